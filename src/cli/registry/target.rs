//! Where a registry is.

use std::fmt;
use std::path::PathBuf;

use crate::diag::{Code, Diagnostic, Diagnostics};

/// The port of etcd, where none is said.
const ETCD_PORT: u16 = 2379;

/// Where a registry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The members of an etcd, and the beginning of the keys that are looked at.
    Etcd { members: Vec<String>, prefix: String },
    /// A folder of records, or that of this user.
    File(Option<PathBuf>),
    /// A file of records that were saved.
    Saved(PathBuf),
}

impl Target {
    /// Reads `etcd://host:port,host:port/prefix`, `file:///path`, `file://` or `records:path`.
    pub(super) fn parse(text: &str) -> Result<Self, Diagnostics> {
        if let Some(file) = text.strip_prefix("records:").filter(|file| !file.is_empty()) {
            return Ok(Self::Saved(file.into()));
        }
        match text.split_once("://") {
            Some(("etcd", rest)) => {
                let slash = rest.find('/').unwrap_or(rest.len());
                let (members, prefix) = rest.split_at(slash);
                if members.contains('@') {
                    return Err(Diagnostic::error(Code::Setting, "a target says nothing of who asks")
                        .help("give `--user`, and the password in the variable `JOVIAN_REGISTRY_PASSWORD`")
                        .into());
                }
                let members: Option<Vec<String>> = members.split(',').map(member).collect();
                let prefix = prefix.to_owned();
                Ok(Self::Etcd { members: members.ok_or_else(|| mistake(text))?, prefix })
            }
            Some(("file", "")) => Ok(Self::File(None)),
            Some(("file", path)) if path.starts_with('/') => Ok(Self::File(Some(path.into()))),
            _ => Err(mistake(text).into()),
        }
    }
}

/// Where a member of etcd listens, with its port.
fn member(text: &str) -> Option<String> {
    let is_host = |host: &str| !host.is_empty() && (!host.contains(':') || host.ends_with(']'));
    let has_port = |text: &str| match text.rsplit_once(':') {
        Some((host, port)) if is_host(host) => port.parse::<u16>().is_ok_and(|port| port > 0),
        _ => false,
    };
    let is_whole = !text.is_empty() && !text.contains(['?', '#', ' ']);
    let text = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((_, "")) => format!("{text}:{ETCD_PORT}"),
        None if !text.contains(':') => format!("{text}:{ETCD_PORT}"),
        _ => text.to_owned(),
    };
    (is_whole && has_port(&text)).then_some(text)
}

fn mistake(text: &str) -> Diagnostic {
    Diagnostic::error(Code::Setting, format!("`{text}` is no registry"))
        .help("write `etcd://host:port`, with commas between members and `/prefix` for some of the keys; `file:///folder`; `file://`; or `records:file`")
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Etcd { members, prefix } => write!(f, "etcd://{}{prefix}", members.join(",")),
            Self::File(Some(folder)) => write!(f, "file://{}", folder.display()),
            Self::File(None) => f.write_str("file://"),
            Self::Saved(file) => write!(f, "records:{}", file.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        for (text, expected) in [
            ("etcd://10.0.0.3:2379", "etcd://10.0.0.3:2379"),
            ("etcd://a,b:1,[::1],[::1]:2/dubbo/", "etcd://a:2379,b:1,[::1]:2379,[::1]:2/dubbo/"),
            ("file:///run/jovian", "file:///run/jovian"),
            ("file://", "file://"),
            ("records:a/b", "records:a/b"),
        ] {
            assert_eq!(Target::parse(text).unwrap().to_string(), expected);
        }
        for wrong in [
            "",
            "a:1",
            "etcd:a",
            "etcd://",
            "etcd://a,",
            "etcd://:1",
            "etcd://a:0",
            "etcd://::1",
            "file://a",
            "records:",
            "consul://a",
        ] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
        let secret = Target::parse("etcd://root:hunter2@a:1").unwrap_err();
        assert!(!format!("{secret:?}").contains("hunter2"), "{secret:?}");
    }
}
