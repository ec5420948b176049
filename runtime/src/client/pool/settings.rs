//! How the connections of one client are made.

use std::sync::Arc;
use std::time::Duration;

use super::keep_alive::KeepAlive;
use crate::net::{ClientConnectionSection, ClientTlsSection, Connector, TlsError};

/// What holds for all connections of a pool.
#[derive(Clone)]
pub(in crate::client) struct Settings {
    pub(super) connect_timeout: Duration,
    pub(super) keep_alive: KeepAlive,
    pub(super) tls: Option<Arc<Connector>>,
}

impl Settings {
    /// The settings that are configured; what the files of TLS say is followed.
    pub(in crate::client) fn new(
        connection: &ClientConnectionSection,
        tls: Option<&ClientTlsSection>,
    ) -> Result<Self, TlsError> {
        Ok(Self {
            connect_timeout: connection.connect_timeout(),
            keep_alive: KeepAlive {
                interval: connection.keepalive_interval(),
                patience: connection.keepalive_timeout(),
                while_idle: connection.keepalive_while_idle,
            },
            tls: tls.map(Connector::load).transpose()?.map(Arc::new),
        })
    }

    /// Whether an address that does not say so speaks TLS.
    pub(in crate::client) fn is_tls(&self) -> bool {
        self.tls.is_some()
    }
}
