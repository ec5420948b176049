//! Where a new project gets the runtime from: the one place that decides it.
//!
//! In: what `--runtime` says. Out: the dependency as `Cargo.toml` writes it, and the files that go with it.

use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use toml_edit::{Array, InlineTable, Value};

use crate::files::{File, Owner};

use super::embedded::{LICENSE, RUNTIME_SOURCES, RUSTFMT};
use super::manifest;

/// Where the runtime is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum RuntimeSource {
    /// In the project: `vendor/jovian-runtime`. Needs nothing that the project does not have.
    #[default]
    Vendored,
    /// In a folder of this machine or this repository.
    Path(PathBuf),
    /// In a git repository, at a revision.
    Git {
        /// Whatever git can clone.
        url: String,
        /// A commit, a tag or a branch; the default branch if it is not said.
        rev: Option<String>,
    },
    /// On a registry, in a version.
    Registry(String),
}

impl FromStr for RuntimeSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            None if text == "vendored" => Ok(Self::Vendored),
            Some(("path", dir)) if !dir.is_empty() => Ok(Self::Path(dir.into())),
            Some(("git", place)) if !place.is_empty() => Ok(match place.rsplit_once('#') {
                Some((url, rev)) => Self::Git { url: url.to_owned(), rev: Some(rev.to_owned()) },
                None => Self::Git { url: place.to_owned(), rev: None },
            }),
            Some(("registry", version)) if !version.is_empty() => Ok(Self::Registry(version.to_owned())),
            _ => {
                Err("write `vendored`, `path=DIR`, `git=URL`, `git=URL#REV` or `registry=VERSION`".to_owned())
            }
        }
    }
}

/// Where vendored files are, below the project.
const VENDORED: &str = "vendor/jovian-runtime";

impl RuntimeSource {
    /// The right-hand side of `jovian-runtime =`, in the manifest of a project in the folder `project`, with a feature if
    /// it takes one.
    pub(super) fn dependency(&self, project: &Path, feature: Option<&str>) -> String {
        let mut keys = match self {
            Self::Vendored => vec![("path", VENDORED.to_owned())],
            Self::Path(dir) => vec![("path", way(project, dir))],
            Self::Git { url, rev } => {
                let rev = rev.as_ref().map(|rev| ("rev", rev.clone()));
                [("git", url.clone())].into_iter().chain(rev).collect()
            }
            Self::Registry(version) => vec![("version", version.clone())],
        };
        if let ([("version", version)], None) = (keys.as_slice(), feature) {
            return Value::from(version).to_string();
        }
        let mut table: InlineTable = keys.drain(..).collect();
        if let Some(feature) = feature {
            table.insert("features", Value::Array(Array::from_iter([feature])));
        }
        table.to_string()
    }

    /// What a person is told about it.
    pub(super) fn note(&self) -> &'static str {
        match self {
            Self::Vendored => "A copy of it lies in vendor/jovian-runtime.",
            Self::Path(_) => "It lies in a folder outside of this project.",
            Self::Git { .. } => "It comes from its git repository.",
            Self::Registry(_) => "It comes from the registry of crates.",
        }
    }

    /// The files that the project gets for it, by their names below the project.
    pub(super) fn files(&self) -> Vec<(String, File)> {
        if *self != Self::Vendored {
            return Vec::new();
        }
        let manifest = manifest::standalone();
        let around = [("Cargo.toml", manifest.as_str()), ("LICENSE", LICENSE), ("rustfmt.toml", RUSTFMT)];
        let around = around.into_iter().map(|(name, text)| (name.to_owned(), text));
        let sources = RUNTIME_SOURCES.iter().map(|(name, text)| (format!("src/{name}"), *text));
        let file = |text: &str| File { text: text.to_owned(), owner: Owner::User };
        around.chain(sources).map(|(name, text)| (format!("{VENDORED}/{name}"), file(text))).collect()
    }
}

/// The way from one folder to another, both absolute: `../jovian/runtime`.
///
/// Relative, because both are mostly in one repository, which others check out elsewhere.
fn way(from: &Path, to: &Path) -> String {
    let (from, to): (Vec<_>, Vec<_>) = (from.components().collect(), to.components().collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if shared == 0 {
        return to.iter().collect::<PathBuf>().to_string_lossy().replace('\\', "/");
    }
    let up = from[shared..].iter().map(|_| "..".into());
    let down = to[shared..].iter().map(|part: &Component<'_>| part.as_os_str().to_string_lossy());
    up.chain(down).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_become_dependencies() {
        let project = Path::new("/srv/orders");
        for (text, expected) in [
            ("vendored", r#"{ path = "vendor/jovian-runtime" }"#),
            ("path=/srv/jovian/runtime", r#"{ path = "../jovian/runtime" }"#),
            ("git=https://example.com/jovian", r#"{ git = "https://example.com/jovian" }"#),
            ("git=https://example.com/jovian#v1", r#"{ git = "https://example.com/jovian", rev = "v1" }"#),
            ("registry=0.1.0", r#""0.1.0""#),
        ] {
            let source: RuntimeSource = text.parse().expect(text);
            assert_eq!(source.dependency(project, None), expected);
        }
        for (text, expected) in [
            ("vendored", r#"{ path = "vendor/jovian-runtime", features = ["etcd"] }"#),
            ("registry=0.1.0", r#"{ version = "0.1.0", features = ["etcd"] }"#),
        ] {
            let source: RuntimeSource = text.parse().expect(text);
            assert_eq!(source.dependency(project, Some("etcd")), expected);
        }
        for wrong in ["", "path", "path=", "svn=x", "vendored=yes"] {
            wrong.parse::<RuntimeSource>().expect_err(wrong);
        }
    }
}
