//! What may be chosen, by whichever door.
//!
//! In: `jovian.toml`, flags, plugin parameters, builder calls, each a partial [`Overrides`]. Out: whole [`Settings`].

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::diag::{Code, Diagnostic, Diagnostics, Span};
use crate::files;

/// The name of the project file.
pub const PROJECT_FILE: &str = "jovian.toml";

/// Choices that somebody made; the rest is left open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Overrides {
    /// Generate clients; on unless said otherwise.
    pub client: Option<bool>,
    /// Generate servers and the traits they serve; on unless said otherwise.
    pub server: Option<bool>,
}

/// What the output depends on, beside the IDL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Generate clients.
    pub client: bool,
    /// Generate servers and the traits they serve.
    pub server: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { client: true, server: true }
    }
}

impl Settings {
    /// Resolves what was chosen; the last one who said something wins.
    pub fn resolve(overrides: impl IntoIterator<Item = Overrides>) -> Self {
        overrides.into_iter().fold(Self::default(), |settings, overrides| Self {
            client: overrides.client.unwrap_or(settings.client),
            server: overrides.server.unwrap_or(settings.server),
        })
    }
}

/// Reads a plugin parameter: `client=false,server=true`; a bare name means true.
///
/// # Errors
/// For unknown names and values that are no bool.
pub fn parse_parameter(parameter: &str) -> Result<Overrides, Diagnostics> {
    let mut overrides = Overrides::default();
    let mut diags = Diagnostics::default();
    for pair in parameter.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, "true"));
        let value = match value {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                let problem = format!("the parameter `{name}` is `{value}`, neither `true` nor `false`");
                diags.push(
                    Diagnostic::error(Code::Setting, problem).help("write `client=false` or `server=false`"),
                );
                continue;
            }
        };
        match name {
            "client" => overrides.client = value,
            "server" => overrides.server = value,
            _ => diags.push(
                Diagnostic::error(Code::Setting, format!("unknown parameter `{name}`"))
                    .help("the parameters are `client` and `server`"),
            ),
        }
    }
    diags.stop_on_error().map(|()| overrides)
}

/// A project: `jovian.toml`. All paths are below the folder it lies in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Project {
    /// Files, folders and globs.
    pub inputs: Vec<String>,
    /// Include roots; the inputs' folders when empty.
    #[serde(default)]
    pub includes: Vec<PathBuf>,
    /// The folder of the generated code.
    pub out: PathBuf,
    /// What is generated.
    #[serde(default)]
    pub generate: Overrides,
}

impl Project {
    /// Reads a project file; relative paths in it count from its folder, whoever runs the tool from wherever.
    ///
    /// # Errors
    /// When it cannot be read, has unknown keys or values of the wrong kind; each with its line.
    pub fn read(path: &Path) -> Result<Self, Diagnostics> {
        let shown = path.display().to_string();
        let text = files::read(path).map_err(|error| {
            Diagnostic::error(Code::NotFound, format!("cannot read `{shown}`: {error}"))
                .help("give IDL files, or run in a folder with a `jovian.toml`")
        })?;
        let mut project: Self = toml::from_str(&text).map_err(|error| {
            let span = error.span().map(|span| Span::bytes(&shown, &text, span.start, span.end));
            let problem = error.message().lines().next().unwrap_or("not TOML").to_owned();
            let mut diags = Diagnostics::from(
                Diagnostic::error(Code::Setting, problem)
                    .at(span.unwrap_or_else(|| Span::file(&shown)))
                    .help("the keys are `inputs`, `includes`, `out` and the table `generate` with `client` and `server`"),
            );
            diags.source(&shown, &text);
            diags
        })?;
        let dir = path.parent().unwrap_or(Path::new(""));
        project.out = dir.join(project.out);
        project.includes.iter_mut().for_each(|include| *include = dir.join(&include));
        for input in &mut project.inputs {
            *input = dir.join(&input).to_string_lossy().into_owned();
        }
        Ok(project)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_wins() {
        let file = Overrides { client: Some(false), server: Some(false) };
        let flags = Overrides { client: Some(true), server: None };
        assert_eq!(Settings::resolve([file, flags]), Settings { client: true, server: false });
    }

    #[test]
    fn parameters() {
        let parsed = parse_parameter("client=false, server").unwrap();
        assert_eq!(parsed, Overrides { client: Some(false), server: Some(true) });
        assert_eq!(parse_parameter("").unwrap(), Overrides::default());
        let wrong = parse_parameter("clients=true,server=maybe").unwrap_err().to_string();
        assert!(
            wrong.contains("unknown parameter `clients`") && wrong.contains("neither `true` nor"),
            "{wrong}"
        );
    }
}
