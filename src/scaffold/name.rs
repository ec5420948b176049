//! The name of a new project, and the names that follow from it.
//!
//! In: what a person typed, `shop.order.orders`. Out: a [`Name`] from which every file can be rendered, or a complaint.

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::names;

/// The name of an application: lower-case words with dots between them, of which the last one is the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    parts: Vec<String>,
}

/// What cargo, Windows and the new project itself have other uses for.
const RESERVED: &[&str] = &[
    // Crates that every crate has.
    "alloc",
    "core",
    "proc_macro",
    "std",
    "test",
    // Crates that the project depends on, and the tool.
    "anyhow",
    "jovian",
    "jovian_runtime",
    "tokio",
    // Folders that cargo puts beside the programs it builds.
    "build",
    "deps",
    "examples",
    "incremental",
    // Files that Windows does not let anybody make.
    "aux",
    "con",
    "nul",
    "prn",
];

impl Name {
    /// Reads a name.
    ///
    /// # Errors
    /// For every part that cannot be a Rust crate, a module and a protobuf package at once.
    pub(crate) fn parse(text: &str) -> Result<Self, Diagnostics> {
        let mut diags = Diagnostics::default();
        let parts: Vec<String> = text.split('.').map(str::to_owned).collect();
        for part in &parts {
            if !is_word(part) {
                diags.push(not_a_word(text, part));
            } else if names::module(part) != *part {
                diags.push(
                    Diagnostic::error(Code::ProjectName, format!("`{part}` is a keyword of Rust"))
                        .help("choose another word: every part of the name becomes a module"),
                );
            }
        }
        let last = parts.last().map_or("", String::as_str);
        if RESERVED.contains(&last) {
            diags.push(
                Diagnostic::error(
                    Code::ProjectName,
                    format!("`{last}` cannot be the name of a crate of yours"),
                )
                .help(
                    "choose another word for the last part: it becomes the crate, its folder and its program",
                ),
            );
        }
        diags.stop_on_error().map(|()| Self { parts })
    }

    /// `shop.order.orders`
    pub(crate) fn app(&self) -> String {
        self.parts.join(".")
    }

    /// The crate, its folder and its program: `orders`
    pub(crate) fn crate_name(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }

    /// Who defines the errors: `shop.order`; a name of one part is its own domain.
    pub(crate) fn domain(&self) -> String {
        let above = &self.parts[..self.parts.len() - 1];
        if above.is_empty() { self.app() } else { above.join(".") }
    }

    /// The parts of the protobuf package: `shop`, `orders`, `v1`.
    ///
    /// Of three or more parts, the next to last one tells teams apart in a registry; the package does without it.
    pub(crate) fn package(&self) -> Vec<&str> {
        let skipped = if self.parts.len() > 2 { self.parts.len() - 2 } else { usize::MAX };
        let kept = self.parts.iter().enumerate().filter(|(index, _)| *index != skipped);
        kept.map(|(_, part)| part.as_str()).chain(["v1"]).collect()
    }

    /// What the service is about, one of it: `order` of `orders`. `item` where English is not that simple.
    pub(crate) fn noun(&self) -> &str {
        let service = self.crate_name();
        let singular = service.strip_suffix('s').filter(|rest| {
            let irregular = ["as", "ches", "ies", "is", "oes", "os", "ses", "shes", "ss", "us", "xes", "zes"];
            rest.len() > 2
                && !rest.ends_with('_')
                && service != "news"
                && !irregular.iter().any(|ending| service.ends_with(ending))
                && names::module(rest) == *rest
        });
        match (singular, service) {
            (Some(singular), _) => singular,
            (None, "item") => "entry",
            (None, _) => "item",
        }
    }
}

/// Words that stay as they are in every naming convention: `orders`, `order_lines`, `v2`.
fn is_word(part: &str) -> bool {
    part.starts_with(|first: char| first.is_ascii_lowercase())
        && part.split('_').all(|piece| {
            piece.starts_with(|first: char| first.is_ascii_lowercase())
                && piece.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        })
}

fn not_a_word(text: &str, part: &str) -> Diagnostic {
    let problem = match part {
        "" => format!("`{text}` has an empty part, so it is no project name"),
        part if part == text => format!("`{text}` is no project name"),
        part => format!("`{part}` in `{text}` cannot be part of a project name"),
    };
    let words: Vec<String> = text.split('.').map(nearest_word).filter(|word| !word.is_empty()).collect();
    let like = match words.iter().all(|word| is_word(word)) && !words.is_empty() {
        true => words.join("."),
        false => "shop.order.orders".to_owned(),
    };
    Diagnostic::error(Code::ProjectName, problem)
        .help(format!("write lower-case words with dots between them, the service last: `{like}`"))
}

/// What somebody who typed `Order-Lines!` probably means: `order_lines`.
fn nearest_word(part: &str) -> String {
    let pieces = part.split(|c: char| !c.is_ascii_alphanumeric()).filter(|piece| !piece.is_empty());
    pieces.collect::<Vec<_>>().join("_").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap_or_else(|diags| panic!("{diags}"))
    }

    #[test]
    fn everything_follows_from_the_name() {
        for (text, domain, package, noun) in [
            ("shop.order.orders", "shop.order", "shop.orders.v1", "order"),
            ("shop.orders", "shop", "shop.orders.v1", "order"),
            ("orders", "orders", "orders.v1", "order"),
            ("eu.shop.order.order_lines", "eu.shop.order", "eu.shop.order_lines.v1", "order_line"),
            ("shop.stock.inventory", "shop.stock", "shop.inventory.v1", "item"),
            ("item", "item", "item.v1", "entry"),
            ("types", "types", "types.v1", "item"),
            ("boxes", "boxes", "boxes.v1", "item"),
            ("status", "status", "status.v1", "item"),
        ] {
            let name = name(text);
            assert_eq!((name.app().as_str(), name.domain().as_str()), (text, domain));
            assert_eq!((name.package().join(".").as_str(), name.noun()), (package, noun), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_explained() {
        for (text, said) in [
            ("", "empty part"),
            ("shop..orders", "empty part"),
            ("Shop!", "`Shop!` is no project name"),
            ("Shop.Order-Lines", "the service last: `shop.order_lines`"),
            ("shop.1st", "`shop.order.orders`"),
            ("shop.a_1", "`a_1` in"),
            ("shop.a__b", "`a__b` in"),
            ("../shop", "no project name"),
            ("shop.type", "keyword"),
            ("self.orders", "keyword"),
            ("shop.test", "crate of yours"),
            ("tokio", "crate of yours"),
        ] {
            let diags = Name::parse(text).expect_err(text).to_string();
            assert!(diags.contains(said), "{text}: {diags}");
        }
    }

    /// Text that nobody chose: a name of words, or a complaint; never a panic, and never what a template could stumble over.
    #[test]
    fn any_text_is_a_name_or_is_explained() {
        const SIGNS: [&str; 16] =
            ["a", "z9", "_", "__", ".", "..", "/", "{{", "}}", "\"", "A", "ß", "\0", "\u{202e}", "type", " "];
        // A generator of numbers that are the same every time.
        let mut state = 1_u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap_or_default() % below
        };
        let mut names = 0;
        for _ in 0..20_000 {
            let text: String = (0..next(8)).map(|_| SIGNS[next(SIGNS.len())]).collect();
            match Name::parse(&text) {
                Ok(name) => {
                    names += 1;
                    assert!(text.split('.').all(is_word), "{text}");
                    assert!(
                        is_word(name.noun()) && name.package().iter().all(|part| is_word(part)),
                        "{text}"
                    );
                }
                Err(diags) => assert!(diags.to_string().contains("J0301"), "{text}: {diags}"),
            }
        }
        assert!(names > 400, "{names} names are too few to mean anything");
    }
}
