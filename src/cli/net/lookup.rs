//! Names as people type them to names as they are declared.

use prost_reflect::MethodDescriptor;

use super::{Description, Problem};
use crate::diag::{Code, Diagnostic, Diagnostics};

/// How many names are shown to somebody who typed none of them.
const SHOWN: usize = 8;

impl Description {
    /// Finds the method that `Service/Method` means. The service may be short, as `Orders` for `shop.v1.Orders`, if there is but one.
    pub(in crate::cli) async fn method(&mut self, text: &str) -> Result<MethodDescriptor, Problem> {
        let Some((service, method)) = text.trim_start_matches('/').split_once('/') else {
            let problem = format!("`{text}` is no method");
            return Err(unknown(problem, "write `Service/Method`, of ", text, &self.services).into());
        };
        let service = self.service_name(service)?;
        let Some(found) = self.service(&service).await? else {
            let problem = format!("the server serves `{service}`, but does not say what it is");
            return Err(Diagnostic::error(Code::NoReflection, problem)
                .help("give its IDL: `--proto proto`")
                .into());
        };
        let methods: Vec<String> = found.methods().map(|method| method.name().to_owned()).collect();
        found.methods().find(|known| known.name() == method).ok_or_else(|| {
            let problem = format!("`{service}` has no method `{method}`");
            unknown(problem, "it has ", method, &methods).into()
        })
    }

    /// The full name of a service that may be short.
    pub(in crate::cli) fn service_name(&self, name: &str) -> Result<String, Diagnostics> {
        if self.services.iter().any(|known| known == name) {
            return Ok(name.to_owned());
        }
        let behind = format!(".{name}");
        let meant: Vec<&String> = self.services.iter().filter(|known| known.ends_with(&behind)).collect();
        match meant.as_slice() {
            [one] => Ok((*one).clone()),
            [] => {
                let problem = format!("there is no service `{name}`");
                Err(unknown(problem, "there is ", name, &self.services).into())
            }
            several => {
                let names: Vec<String> = several.iter().map(|name| format!("`{name}`")).collect();
                let problem = format!("`{name}` may be {}", names.join(" or "));
                let diagnostic = Diagnostic::error(Code::UnknownMethod, problem);
                Err(diagnostic.help("write the full name of the service").into())
            }
        }
    }
}

/// The complaint about a name, with the names that come nearest.
pub(in crate::cli) fn unknown(problem: String, known_as: &str, typed: &str, known: &[String]) -> Diagnostic {
    let last = |name: &str| name.rsplit(['.', '/']).next().unwrap_or_default().to_lowercase();
    let mut near: Vec<(usize, &String)> =
        known.iter().map(|name| (distance(&last(typed), &last(name)), name)).collect();
    near.sort();
    let close = |(distance, _): &(usize, &String)| *distance <= typed.len().min(9) / 3;
    let help = match near.first().copied().filter(close) {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None if known.is_empty() => "there is nothing to call".to_owned(),
        None => {
            // What every server has is not what somebody looks for.
            let own = known.iter().filter(|name| !name.starts_with("grpc."));
            let names: Vec<String> = own.take(SHOWN).map(|name| format!("`{name}`")).collect();
            let more = if known.len() > SHOWN { ", .." } else { "" };
            format!("{known_as}{}{more}", names.join(", "))
        }
    };
    Diagnostic::error(Code::UnknownMethod, problem).help(help)
}

/// How many letters have to be put in, left out or changed to get from one word to another (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (at, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[at + 1];
            row[at + 1] = changed.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (from, to, expected) in
            [("", "", 0), ("a", "", 1), ("getoder", "getorder", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!((distance(from, to), distance(to, from)), (expected, expected), "{from} {to}");
        }
    }

    #[test]
    fn the_nearest_is_shown_or_all() {
        let known = ["shop.v1.Orders", "shop.v1.Stock"].map(str::to_owned);
        let help = |typed: &str| unknown(String::new(), "there is ", typed, &known).help.unwrap();
        assert_eq!(help("Order"), "did you mean `shop.v1.Orders`?");
        assert_eq!(help("shop.v2.Stocks"), "did you mean `shop.v1.Stock`?");
        assert_eq!(help("Payments"), "there is `shop.v1.Orders`, `shop.v1.Stock`");
    }
}
