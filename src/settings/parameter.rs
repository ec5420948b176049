//! The parameter of a plugin.

use super::{Kind, Overrides, SETTINGS, Setting};
use crate::diag::{Code, Diagnostic, Diagnostics};

/// Reads a plugin parameter: `client=false,bytes=.shop,bytes=.bank`; a bare name means true. A comma inside a value is
/// written `\,`.
///
/// # Errors
/// For unknown names and values that mean nothing, all of them.
pub fn parse_parameter(parameter: &str) -> Result<Overrides, Diagnostics> {
    let mut overrides = Overrides::default();
    let mut diags = Diagnostics::default();
    for pair in pairs(parameter) {
        let (name, value) = pair.split_once('=').unwrap_or((&pair, "true"));
        Setting::set_by_name(&mut overrides, name.trim(), value.trim(), &mut diags);
    }
    diags.stop_on_error().map(|()| overrides)
}

impl Setting {
    /// Sets what a parameter or a build script names.
    pub(crate) fn set_by_name(overrides: &mut Overrides, name: &str, value: &str, diags: &mut Diagnostics) {
        let Some(setting) = Self::find(name) else {
            return diags.push(
                Diagnostic::error(Code::Setting, format!("unknown parameter `{name}`"))
                    .help(format!("the parameters are {}", all_names())),
            );
        };
        if let Err(problem) = setting.set(overrides, value) {
            let example = if matches!(setting.kind, Kind::Switch(_)) { "true" } else { setting.value };
            let problem = format!("the parameter `{name}`: {problem}");
            let help = format!("write `{}={example}`: {}", setting.name, setting.help);
            diags.push(Diagnostic::error(Code::Setting, problem).help(help));
        }
    }
}

/// The names of all settings, for help lines.
pub(super) fn all_names() -> String {
    let names: Vec<String> = SETTINGS.iter().map(|setting| format!("`{}`", setting.name)).collect();
    names.join(", ")
}

/// What stands between the commas that are not escaped.
fn pairs(parameter: &str) -> Vec<String> {
    let mut pairs = vec![String::new()];
    let mut chars = parameter.chars().peekable();
    while let Some(next) = chars.next() {
        match (next, pairs.last_mut()) {
            ('\\', Some(last)) if chars.peek() == Some(&',') => last.extend(chars.next()),
            (',', _) => pairs.push(String::new()),
            (next, Some(last)) => last.push(next),
            (_, None) => {}
        }
    }
    pairs.retain(|pair| !pair.trim().is_empty());
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters() {
        let parsed = parse_parameter("client=false, server,extern_path=.a=::a").unwrap();
        assert_eq!((parsed.client, parsed.server), (Some(false), Some(true)));
        assert_eq!(parsed.details.extern_path[".a"], "::a");
        assert_eq!(parse_parameter("").unwrap(), Overrides::default());
        let parsed = parse_parameter(r"type-attribute=.=#[derive(Eq\, Hash)],client").unwrap();
        assert_eq!(parsed.details.type_attribute[0].1, "#[derive(Eq, Hash)]");
        let wrong = parse_parameter("clients=true,server=maybe").unwrap_err().to_string();
        assert!(
            wrong.contains("unknown parameter `clients`") && wrong.contains("neither `true` nor"),
            "{wrong}"
        );
    }
}
