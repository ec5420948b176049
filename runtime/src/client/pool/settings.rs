//! How the connections of one client are made, and how calls choose among them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::keep_alive::KeepAlive;
use crate::client::balancing::Balancing;
use crate::net::{ClientConnectionSection, ClientTlsSection, Connector, TlsError};

/// What holds for all connections of a pool.
#[derive(Clone)]
pub(in crate::client) struct Settings {
    /// The full name of the service that is called; empty where that makes no difference.
    pub(in crate::client) service: &'static str,
    pub(super) connect_timeout: Duration,
    pub(super) keep_alive: KeepAlive,
    pub(super) tls: Option<Arc<Connector>>,
    pub(super) balancing: Arc<Balancing>,
    /// Told when somebody is needed, or was not reached, so that names are looked up.
    pub(super) again: Arc<Notify>,
}

impl Settings {
    /// The settings that are configured; what the files of TLS say is followed.
    pub(in crate::client) fn new(
        connection: &ClientConnectionSection,
        tls: Option<&ClientTlsSection>,
        balancing: Balancing,
    ) -> Result<Self, TlsError> {
        Ok(Self {
            service: "",
            connect_timeout: connection.connect_timeout(),
            keep_alive: KeepAlive {
                interval: connection.keepalive_interval(),
                patience: connection.keepalive_timeout(),
                while_idle: connection.keepalive_while_idle,
            },
            tls: tls.map(Connector::load).transpose()?.map(Arc::new),
            balancing: Arc::new(balancing),
            again: Arc::default(),
        })
    }

    /// The settings of a client that was told nothing.
    #[cfg(test)]
    pub(super) fn usual() -> Self {
        Self::balanced(&crate::client::BalancingSection::default())
    }

    /// The settings of a client that was told how to choose.
    #[cfg(test)]
    pub(super) fn balanced(section: &crate::client::BalancingSection) -> Self {
        Self::new(&ClientConnectionSection::default(), None, Balancing::of(section.clone().into()).unwrap())
            .unwrap()
    }

    /// Whether an address that does not say so speaks TLS.
    pub(in crate::client) fn is_tls(&self) -> bool {
        self.tls.is_some()
    }
}
