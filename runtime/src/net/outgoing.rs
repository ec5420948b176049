//! What can be set about the connections of a client.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// `[client.connection]`: how connections to other services are made, and how it is noticed that they are gone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct ClientConnectionSection {
    /// `connect_timeout_ms`: how long a connection may take to be made, TLS and the server's first words included.
    /// Default: 5 s.
    pub connect_timeout_ms: NonZeroU32,
    /// `keepalive_interval_ms`: how often a connection that carries calls is asked whether it still is one; 0 asks
    /// nobody. Default: 305 s, for servers of grpc-go and grpc-java send those away who ask more than once in five
    /// minutes.
    pub keepalive_interval_ms: u32,
    /// `keepalive_timeout_ms`: how long the answer to that may take before the connection is closed. Default: 20 s.
    pub keepalive_timeout_ms: NonZeroU32,
    /// `keepalive_while_idle`: whether a connection without calls is asked, too. Default: no.
    pub keepalive_while_idle: bool,
}

impl Default for ClientConnectionSection {
    fn default() -> Self {
        const FIVE_SECONDS: NonZeroU32 = NonZeroU32::new(5_000).expect("it is not zero");
        const TWENTY_SECONDS: NonZeroU32 = NonZeroU32::new(20_000).expect("it is not zero");
        Self {
            connect_timeout_ms: FIVE_SECONDS,
            keepalive_interval_ms: 305_000,
            keepalive_timeout_ms: TWENTY_SECONDS,
            keepalive_while_idle: false,
        }
    }
}

impl ClientConnectionSection {
    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms.get().into())
    }

    pub(crate) fn keepalive_interval(&self) -> Option<Duration> {
        (self.keepalive_interval_ms > 0).then(|| Duration::from_millis(self.keepalive_interval_ms.into()))
    }

    pub(crate) fn keepalive_timeout(&self) -> Duration {
        Duration::from_millis(self.keepalive_timeout_ms.get().into())
    }
}
