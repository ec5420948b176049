//! Where a server listens.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::diag::{Code, Diagnostic, Diagnostics, Span};
use crate::files;

/// The configuration of a service, seen from its folder.
const CONFIG: &str = "config/app.toml";
/// What a service listens on wherever its configuration says something else.
const VARIABLE: &str = "JOVIAN_SERVER__ADDRESS";

const GIVE_ONE: &str = "say where the server listens, first: `jovian call 127.0.0.1:9000 Orders/GetOrder`";

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Target {
    pub(super) place: Place,
    /// Whether the target itself asks for TLS.
    pub(super) tls: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

impl Target {
    /// Reads `host:port`, `:port`, `http://host:port`, `https://host`, `dns:///host:port` or `unix:/path`.
    pub(in crate::cli) fn parse(text: &str) -> Result<Self, Diagnostics> {
        let (rest, tls, port) = match text.split_once(':') {
            Some(("unix", path)) => {
                let path = path.strip_prefix("//").unwrap_or(path);
                let place = Place::Unix(PathBuf::from(path));
                return if path.is_empty() {
                    Err(mistake(text).into())
                } else {
                    Ok(Self { place, tls: false })
                };
            }
            Some(("http", rest)) => (rest, false, Some(80)),
            // A name, as gRPC writes it.
            Some(("dns", name)) if name.parse::<u16>().is_err() => {
                (name.strip_prefix("///").unwrap_or(name), false, None)
            }
            Some(("https", rest)) => (rest, true, Some(443)),
            _ => (text, false, None),
        };
        let rest = match port {
            Some(_) => rest.strip_prefix("//").ok_or_else(|| mistake(text))?.trim_end_matches('/'),
            None => rest,
        };
        let (host, port) = host_and_port(rest, port).ok_or_else(|| mistake(text))?;
        Ok(Self { place: Place::Tcp { host, port }, tls })
    }

    /// Whether an argument is a target and not the name of something: a name has no colon.
    pub(in crate::cli) fn is_one(text: &str) -> bool {
        text.contains(':')
    }

    /// What the service of this folder listens on, by its configuration.
    pub(in crate::cli) fn of_project() -> Result<Self, Diagnostics> {
        let wrong = |code, problem| Diagnostic::error(code, problem).help(GIVE_ONE);
        if let Ok(address) = env::var(VARIABLE) {
            let target =
                Self::parse(&address).map_err(|_| wrong(Code::Setting, unusable(VARIABLE, &address)))?;
            return Ok(target.reached());
        }
        let missing = format!("no target is given, and there is no `{CONFIG}` that says one");
        let text = files::read(Path::new(CONFIG)).map_err(|_| wrong(Code::NotFound, missing))?;
        let wrong = |problem| wrong(Code::Setting, problem).at(Span::file(CONFIG));
        let table: toml::Table =
            text.parse().map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
        let address = table.get("server").and_then(|server| server.get("address"));
        let Some(address) = address.and_then(toml::Value::as_str) else {
            let problem = format!("no target is given, and `{CONFIG}` has no `address` in `[server]`");
            return Err(wrong(problem).into());
        };
        Ok(Self::parse(address).map_err(|_| wrong(unusable("address", address)))?.reached())
    }

    /// Who listens on all addresses is reached on the loopback.
    fn reached(mut self) -> Self {
        if let Place::Tcp { host, .. } = &mut self.place {
            match host.as_str() {
                "0.0.0.0" => "127.0.0.1".clone_into(host),
                "::" => "::1".clone_into(host),
                _ => {}
            }
        }
        self
    }

    /// What a request says it is for, unless it is told otherwise.
    pub(super) fn authority(&self) -> String {
        match &self.place {
            Place::Tcp { .. } => self.to_string(),
            Place::Unix(_) => "localhost".to_owned(),
        }
    }

    /// The name that a certificate of the server has.
    pub(super) fn host(&self) -> &str {
        match &self.place {
            Place::Tcp { host, .. } => host,
            Place::Unix(_) => "localhost",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Place::Tcp { host, port } => write!(f, "{host}:{port}"),
            Place::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Port 0, for one, is any that is free, and only the server knows which.
fn unusable(what: &str, address: &str) -> String {
    format!("no target is given, and `{what}` is `{address}`, which nobody can be called at")
}

fn host_and_port(text: &str, default: Option<u16>) -> Option<(String, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, behind) = rest.split_once(']')?;
            (host, behind.strip_prefix(':'))
        }
        None => match text.rsplit_once(':') {
            // More than one colon without brackets is an address that nobody can take apart.
            Some((host, port)) if !host.contains(':') => (host, Some(port)),
            Some(_) => return None,
            None => (text, None),
        },
    };
    let port = match port {
        Some(port) => port.parse().ok().filter(|port| *port > 0)?,
        None => default?,
    };
    let is_host = |c: char| c.is_alphanumeric() || ".-_:%".contains(c);
    let host = if host.is_empty() { "localhost" } else { host };
    host.chars().all(is_host).then(|| (host.to_owned(), port))
}

fn mistake(text: &str) -> Diagnostic {
    Diagnostic::error(Code::Setting, format!("`{text}` is no target"))
        .help("write `host:port`, `http://host:port`, `https://host` or `unix:/path`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        let shown = |text: &str| Target::parse(text).map(|target| (target.to_string(), target.tls));
        for (text, expected, tls) in [
            ("127.0.0.1:9000", "127.0.0.1:9000", false),
            (":9000", "localhost:9000", false),
            ("http://shop.example", "shop.example:80", false),
            ("https://shop.example/", "shop.example:443", true),
            ("[::1]:9000", "[::1]:9000", false),
            ("dns:///shop.example:9000", "shop.example:9000", false),
            ("dns:shop.example:9000", "shop.example:9000", false),
            ("dns:9000", "dns:9000", false),
            ("unix:/run/shop.sock", "unix:/run/shop.sock", false),
            ("unix:///run/shop.sock", "unix:/run/shop.sock", false),
            ("unix:shop.sock", "unix:shop.sock", false),
        ] {
            assert_eq!(shown(text).unwrap(), (expected.to_owned(), tls), "{text}");
        }
        for wrong in [
            "shop",
            "",
            "a:b",
            "::1:9000",
            "a:0",
            "http:a",
            "unix:",
            "dns:///shop",
            "dns://10.1.0.53/shop:1",
            "a b:1",
            "a/b:1",
            "x:99999",
        ] {
            assert!(shown(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn all_addresses_are_reached_on_the_loopback() {
        let reached = |text: &str| Target::parse(text).unwrap().reached().to_string();
        assert_eq!((reached("0.0.0.0:1"), reached("[::]:1")), ("127.0.0.1:1".into(), "[::1]:1".into()));
    }
}
