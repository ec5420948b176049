//! One address, from its text to its parts.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use http::uri::{Authority, Parts, Scheme};
use http::{Request, Uri};

use super::manner::Manner;
use crate::policy::UnknownTarget;
use crate::registry::{Instance, Lookup};

/// Where a server listens, and how it wants to be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) place: Place,
    scheme: Scheme,
    authority: Authority,
    manner: Manner,
}

/// What a connection is made to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Tcp {
        /// A name, or an IP address without brackets.
        host: String,
        port: u16,
        /// One of the addresses that the name stands for, if no other will do.
        at: Option<SocketAddr>,
    },
    Unix(PathBuf),
}

impl Address {
    /// A request with `:scheme` and `:authority`, as HTTP/2 wants it.
    pub(super) fn absolute(&self, request: Request<()>) -> Request<()> {
        let (mut head, ()) = request.into_parts();
        let mut parts = Parts::default();
        parts.path_and_query = head.uri.path_and_query().map(|path| self.manner.path(path));
        self.manner.ask(&mut head.headers);
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        // All three are there.
        head.uri = Uri::from_parts(parts).unwrap_or(head.uri);
        Request::from_parts(head, ())
    }

    /// Whether the connection is to be encrypted.
    pub(super) fn is_tls(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// Whether it names a host, which may stand for several addresses.
    pub(super) fn is_name(&self) -> bool {
        matches!(&self.place, Place::Tcp { host, at: None, .. } if host.parse::<IpAddr>().is_err())
    }

    /// The same in one of the places that its name stands for; the same altogether if there is no such place.
    pub(super) fn at(mut self, somewhere: &str) -> Self {
        if let Place::Tcp { at, .. } = &mut self.place {
            *at = somewhere.parse().ok();
        }
        self
    }

    /// Reads one address, or a list of them, `static://10.1.0.7:9000,https://orders:9000`.
    pub(super) fn read_all(target: &str, is_tls: bool) -> Result<Vec<Self>, ConnectError> {
        match target.strip_prefix("static://") {
            Some(list) => list.split(',').map(|address| Self::read(address.trim(), is_tls)).collect(),
            None => Ok(vec![Self::read(target, is_tls)?]),
        }
    }

    /// The address of an instance, for calls of `service`.
    pub(super) fn of(instance: &Instance, service: &str, is_tls: bool) -> Result<Self, ConnectError> {
        let address = Self::read(&instance.address, is_tls)?;
        Ok(Self { manner: Manner::of(instance, service), ..address })
    }

    /// Whether an instance with this address is called so, as its record says it now.
    pub(super) fn is_of(&self, instance: &Instance, service: &str) -> bool {
        self.manner == Manner::of(instance, service)
    }

    /// Reads `http://host:port`, `https://host:port`, `host:port`, `dns:///host:port` or `unix:/path`; `is_tls` says what is
    /// meant where the text leaves it open.
    pub(super) fn read(target: &str, is_tls: bool) -> Result<Self, ConnectError> {
        let invalid = |why: &str| ConnectError::Target { target: target.to_owned(), why: why.to_owned() };
        if let Some(path) = target.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(invalid("it names no file"));
            }
            // gRPC says so for sockets: they have no name of their own.
            let authority = Authority::from_static("localhost");
            let place = Place::Unix(path.into());
            return Ok(Self { place, scheme: Scheme::HTTP, authority, manner: Manner::default() });
        }
        // gRPC writes names so (naming.md). A host may have that name, too.
        let name = match target.strip_prefix("dns:").filter(|rest| rest.parse::<u16>().is_err()) {
            Some(name) => name.strip_prefix("///").unwrap_or(name),
            None => target,
        };
        if name.starts_with("//") {
            return Err(invalid("the DNS server is that of the system: write `dns:///host:port`"));
        }
        let is_known =
            |scheme: &str| ["http", "https"].iter().any(|known| known.eq_ignore_ascii_case(scheme));
        let unsupported = || {
            let registries = Lookup::kinds();
            format!(
                "only `http`, `https`, `dns`, `unix`, `static` and registries are supported: {registries}"
            )
        };
        // What is meant as another scheme need not be an URI otherwise.
        if name.split_once("://").is_some_and(|(scheme, _)| !is_known(scheme)) {
            return Err(invalid(&unsupported()));
        }
        let scheme = if is_tls { Scheme::HTTPS } else { Scheme::HTTP };
        let text = if name.contains("://") { name.to_owned() } else { format!("{scheme}://{name}") };
        let uri: Uri = text.parse().map_err(|error: http::uri::InvalidUri| invalid(&error.to_string()))?;
        let (scheme, port) = match uri.scheme_str() {
            Some("http") => (Scheme::HTTP, 80),
            Some("https") => (Scheme::HTTPS, 443),
            _ => return Err(invalid(&unsupported())),
        };
        let Some(authority) = uri.authority().filter(|authority| !authority.host().is_empty()) else {
            return Err(invalid("it names no host"));
        };
        let host = authority.host();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).to_owned();
        let place = Place::Tcp { host, port: authority.port_u16().unwrap_or(port), at: None };
        Ok(Self { place, scheme, authority: authority.clone(), manner: Manner::default() })
    }
}

#[cfg(test)]
impl std::str::FromStr for Address {
    type Err = ConnectError;

    fn from_str(target: &str) -> Result<Self, ConnectError> {
        Self::read(target, false)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Tcp { at: Some(at), .. } => write!(f, "{}://{} ({at})", self.scheme, self.authority),
            Place::Tcp { .. } => write!(f, "{}://{}", self.scheme, self.authority),
            Place::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A client cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The target is no address.
    #[error("cannot connect to `{target}`: {why}")]
    Target {
        /// The target as it was given: `http//10.1.0.7`.
        target: String,
        /// What is wrong with it: `invalid authority`.
        why: String,
    },
    /// A policy of a method that the service does not have.
    #[error("`methods` of [client]: {0}")]
    Policy(#[from] UnknownTarget),
    /// A client needs a tokio runtime around it.
    #[error("a client is made inside of a tokio runtime")]
    NoRuntime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let tcp = |host: &str, port| Place::Tcp { host: host.to_owned(), port, at: None };
        for (target, place, text) in [
            ("10.1.0.7:9000", tcp("10.1.0.7", 9000), "http://10.1.0.7:9000"),
            ("http://orders:9000", tcp("orders", 9000), "http://orders:9000"),
            ("http://orders", tcp("orders", 80), "http://orders"),
            ("https://orders", tcp("orders", 443), "https://orders"),
            ("[::1]:9000", tcp("::1", 9000), "http://[::1]:9000"),
            ("dns:///orders:9000", tcp("orders", 9000), "http://orders:9000"),
            ("dns:orders:9000", tcp("orders", 9000), "http://orders:9000"),
            ("dns:9000", tcp("dns", 9000), "http://dns:9000"),
            ("unix:/run/orders", Place::Unix("/run/orders".into()), "unix:/run/orders"),
            ("unix:///run/orders", Place::Unix("/run/orders".into()), "unix:/run/orders"),
            ("unix:orders", Place::Unix("orders".into()), "unix:orders"),
        ] {
            let address: Address = target.parse().unwrap();
            assert_eq!((&address.place, address.to_string().as_str()), (&place, text));
            assert_eq!(text.parse::<Address>().unwrap(), address);
        }
        for wrong in [
            "",
            "unix:",
            "http://",
            "ftp://orders",
            "http://a b",
            "etcd:///orders",
            "dns://10.1.0.53/orders:9000",
            "dns:///",
        ] {
            let error = wrong.parse::<Address>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("cannot connect to `{wrong}`: ")), "{error}");
        }
    }

    #[test]
    fn a_name_is_told_from_an_address() {
        let read = |target: &str| target.parse::<Address>().unwrap();
        assert!(read("orders:9000").is_name() && read("https://localhost").is_name());
        assert!(
            !read("10.1.0.7:9000").is_name()
                && !read("[::1]:9000").is_name()
                && !read("unix:orders").is_name()
        );
        let there = read("orders:9000").at("10.1.0.7:9000");
        assert_eq!(
            (there.is_name(), there.to_string().as_str()),
            (false, "http://orders:9000 (10.1.0.7:9000)")
        );
        let request = there.absolute(Request::new(()));
        assert_eq!(request.uri().authority().unwrap(), "orders:9000");
    }
}
