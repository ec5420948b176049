//! Where a server listens, and who is at the other end of a connection.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// An address of IP and a port.
    Tcp(SocketAddr),
    /// The file of a Unix socket.
    Unix(PathBuf),
}

impl Address {
    /// The path in `unix:/run/shop.sock` or, as gRPC also writes it, `unix:///run/shop.sock`.
    pub(crate) fn unix(text: &str) -> Option<&Path> {
        let path = text.strip_prefix("unix:")?;
        Some(Path::new(path.strip_prefix("//").unwrap_or(path)))
    }

    /// The port, of an address that has one.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(address) => Some(address.port()),
            Self::Unix(_) => None,
        }
    }
}

/// As clients and the configuration write it: `127.0.0.1:9000`, `unix:/run/shop.sock`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Who is at the other end of a connection to a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Where it called from; `None` for a Unix socket and for a call within the process.
    pub address: Option<SocketAddr>,
    /// Whom its certificate names, once that was verified: the first URI (`spiffe://shop/orders`) of the certificate,
    /// else its first DNS name, else its common name. Empty if it names nobody, and `None` if nobody asked for one.
    pub certificate: Option<Arc<str>>,
}

impl Peer {
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self { address: Some(address), certificate: None }
    }
}
