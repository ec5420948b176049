//! Where a registry is, and who asks there.

use std::fmt;
use std::path::PathBuf;

use crate::diag::{Code, Diagnostic, Diagnostics};

/// The ports of stores, where none is said.
const ETCD_PORT: u16 = 2379;
const ZOOKEEPER_PORT: u16 = 2181;
const NACOS_PORT: u16 = 8848;
const DISCOVERY_PORT: u16 = 7171;

/// Where a registry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The members of an etcd, and the beginning of the keys that are looked at.
    Etcd { members: Vec<String>, prefix: String },
    /// The servers of a ZooKeeper, and the folder that all keys are in: `/fleet`, or nothing.
    ZooKeeper { servers: Vec<String>, root: String },
    /// The servers of a Nacos, and the namespace and the group of its instances; empty for those that are usual.
    Nacos { servers: Vec<String>, namespace: String, group: String },
    /// The nodes of a discovery, and the environment of its instances; empty for the one that is usual.
    Discovery { nodes: Vec<String>, env: String },
    /// A folder of records, or that of this user.
    File(Option<PathBuf>),
    /// A file of records that were saved.
    Saved(PathBuf),
}

/// A user and a password.
pub(super) type User = (String, String);

impl Target {
    /// Reads `etcd://host:port,host:port/prefix`, `zookeeper://host:port/root`, `nacos://host:port/namespace/group`,
    /// `discovery://host:port/env`, `file:///path`, `file://` or `records:path`. The first three may say who asks: `etcd://user:password@host`.
    pub(super) fn parse(text: &str) -> Result<(Self, Option<User>), Diagnostics> {
        if let Some(file) = text.strip_prefix("records:").filter(|file| !file.is_empty()) {
            return Ok((Self::Saved(file.into()), None));
        }
        match text.split_once("://") {
            Some(("file", "")) => Ok((Self::File(None), None)),
            Some(("file", path)) if path.starts_with('/') => Ok((Self::File(Some(path.into())), None)),
            Some((scheme @ ("etcd" | "zookeeper" | "nacos" | "discovery"), rest)) => {
                let (hosts, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                let (hosts, user) = match hosts.rsplit_once('@') {
                    Some(_) if scheme == "discovery" => return Err(mistake(text).into()),
                    Some((user, hosts)) => (hosts, Some(asking(user)?)),
                    None => (hosts, None),
                };
                Ok((Self::of_store(scheme, hosts, path).ok_or_else(|| mistake(text))?, user))
            }
            _ => Err(mistake(text).into()),
        }
    }

    fn of_store(scheme: &str, hosts: &str, path: &str) -> Option<Self> {
        let hosts =
            |port| hosts.split(',').map(|host| with_port(host, port)).collect::<Option<Vec<String>>>();
        match scheme {
            "etcd" => Some(Self::Etcd { members: hosts(ETCD_PORT)?, prefix: path.to_owned() }),
            "zookeeper" => {
                let root = path.trim_end_matches('/').to_owned();
                Some(Self::ZooKeeper { servers: hosts(ZOOKEEPER_PORT)?, root })
            }
            "discovery" => {
                let (nodes, env) = (hosts(DISCOVERY_PORT)?, path.trim_matches('/').to_owned());
                (!env.contains('/')).then_some(Self::Discovery { nodes, env })
            }
            _ => {
                let path = path.trim_matches('/');
                let (namespace, group) = path.split_once('/').unwrap_or((path, ""));
                let (namespace, group) = (namespace.to_owned(), group.to_owned());
                let is_whole = !group.contains('/');
                is_whole.then_some(Self::Nacos { servers: hosts(NACOS_PORT)?, namespace, group })
            }
        }
    }

    /// The beginning of the keys that are looked at.
    pub(super) fn prefix(&self) -> &str {
        match self {
            Self::Etcd { prefix, .. } => prefix,
            _ => "",
        }
    }
}

/// Reads `user:password`; what has another meaning in a URL is escaped in either: `%40` is `@`.
fn asking(text: &str) -> Result<User, Diagnostics> {
    let user =
        text.split_once(':').and_then(|(name, password)| Some((unescaped(name)?, unescaped(password)?)));
    user.filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
        Diagnostic::error(Code::Setting, "what stands before the `@` of the target is no `user:password`")
            .help("write `@`, `/`, `:` and `%` of a password as `%40`, `%2F`, `%3A` and `%25`; or give it in the variable `JOVIAN_REGISTRY_PASSWORD`")
            .into()
    })
}

fn unescaped(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// Where a server listens, with its port.
fn with_port(text: &str, usual: u16) -> Option<String> {
    let is_host = |host: &str| !host.is_empty() && (!host.contains(':') || host.ends_with(']'));
    let has_port = |text: &str| match text.rsplit_once(':') {
        Some((host, port)) if is_host(host) => port.parse::<u16>().is_ok_and(|port| port > 0),
        _ => false,
    };
    let is_whole = !text.is_empty() && !text.contains(['?', '#', ' ']);
    let text = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((_, "")) => format!("{text}:{usual}"),
        None if !text.contains(':') => format!("{text}:{usual}"),
        _ => text.to_owned(),
    };
    (is_whole && has_port(&text)).then_some(text)
}

fn mistake(text: &str) -> Diagnostic {
    // There may be a password before the sign.
    let shown = if text.contains('@') { "the target".to_owned() } else { format!("`{text}`") };
    Diagnostic::error(Code::Setting, format!("{shown} is no registry")).help(
        "write `etcd://host:port`, with commas between members and `/prefix` for some of the keys; `zookeeper://host:port`, \
         with `/root` for a folder of all keys; `nacos://host:port/namespace/group`; `discovery://host:port/env`; `file:///folder`; `file://`; or `records:file`",
    )
}

/// Without who asks.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Etcd { members, prefix } => write!(f, "etcd://{}{prefix}", members.join(",")),
            Self::ZooKeeper { servers, root } => write!(f, "zookeeper://{}{root}", servers.join(",")),
            Self::Nacos { servers, namespace, group } => {
                write!(f, "nacos://{}", servers.join(","))?;
                let path = [namespace, group].into_iter().filter(|part| !part.is_empty());
                path.into_iter().try_for_each(|part| write!(f, "/{part}"))
            }
            Self::Discovery { nodes, env } => {
                let slash = if env.is_empty() { "" } else { "/" };
                write!(f, "discovery://{}{slash}{env}", nodes.join(","))
            }
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
            ("etcd://a/one@two", "etcd://a:2379/one@two"),
            ("zookeeper://a,b:1/fleet/", "zookeeper://a:2181,b:1/fleet"),
            ("zookeeper://a/", "zookeeper://a:2181"),
            ("nacos://a", "nacos://a:8848"),
            ("nacos://a:1,b/dev", "nacos://a:1,b:8848/dev"),
            ("nacos://a/dev/DUBBO", "nacos://a:8848/dev/DUBBO"),
            ("discovery://a,b:1", "discovery://a:7171,b:1"),
            ("discovery://a/prod/", "discovery://a:7171/prod"),
            ("file:///run/jovian", "file:///run/jovian"),
            ("file://", "file://"),
            ("records:a/b", "records:a/b"),
        ] {
            let (target, user) = Target::parse(text).unwrap();
            assert_eq!((target.to_string().as_str(), user), (expected, None));
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
            "zookeeper://",
            "zookeeper://a:b/x",
            "nacos://a/b/c/d",
            "discovery://a/b/c",
            "discovery://me:word@a",
            "file://a",
            "records:",
            "consul://a",
        ] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn who_asks_is_read_and_not_shown() {
        for (text, name, password) in [
            ("etcd://root:hunter2@a:1", "root", "hunter2"),
            ("zookeeper://me:a:b@a:1", "me", "a:b"),
            ("nacos://me%40home:h%2Fu%25@a:1", "me@home", "h/u%"),
            ("zookeeper://me:a@b@a:1", "me", "a@b"),
        ] {
            let (target, user) = Target::parse(text).unwrap();
            assert!(target.to_string().ends_with("://a:1"), "{target}");
            assert_eq!(user, Some((name.to_owned(), password.to_owned())));
        }
        for wrong in [
            "etcd://hunter2@a:1",
            "etcd://:hunter2@a:1",
            "etcd://me:hunter2%4@a:1",
            "etcd://me:hunter2@",
            "etcd://me:hun/ter2@a:1",
        ] {
            let secret = Target::parse(wrong).unwrap_err();
            assert!(!format!("{secret:?}").contains("ter2"), "{secret:?}");
        }
    }
}
