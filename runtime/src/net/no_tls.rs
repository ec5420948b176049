//! In place of TLS, when this crate was built without it.

use std::io;
use std::sync::Arc;

use super::settings::{ClientTlsSection, TlsError, TlsSection};
use super::stream::{Plain, Stream};

/// There is none.
pub(crate) enum Acceptor {}

impl Acceptor {
    pub(crate) fn load(_: &TlsSection) -> Result<Self, TlsError> {
        Err(TlsError::new(
            "[server.tls] asks for TLS, and jovian-runtime was built without its feature `tls`",
        ))
    }

    pub(crate) async fn accept(&self, _: Plain) -> io::Result<(Stream, Option<Arc<str>>)> {
        match *self {}
    }
}

/// There is none.
pub(crate) enum Connector {}

impl Connector {
    pub(crate) fn load(_: &ClientTlsSection) -> Result<Self, TlsError> {
        Err(TlsError::new("TLS is asked for, and jovian-runtime was built without its feature `tls`"))
    }

    pub(crate) async fn connect(&self, _: &str, _: Plain) -> io::Result<Stream> {
        match *self {}
    }
}
