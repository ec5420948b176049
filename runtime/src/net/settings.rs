//! What can be set about connections.

use std::error::Error;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
#[cfg(feature = "tls")]
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// `[server.connection]`: how many connections there may be, how long they live, and what one may carry.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct ConnectionSection {
    /// `max`: the most connections at once; one more is closed at once. Default: 0, which sets no limit.
    pub max: usize,
    /// `max_streams`: the most calls at once on one connection. Default: 1024.
    pub max_streams: u32,
    /// `handshake_timeout_ms`: how long a new connection may take to say that it speaks HTTP/2, and to agree on TLS.
    /// Default: 10 s.
    pub handshake_timeout_ms: u32,
    /// `keepalive_interval_ms`: a connection that was quiet for so long is asked whether it still is one; 0 asks
    /// nobody. Default: 60 s.
    pub keepalive_interval_ms: u32,
    /// `keepalive_timeout_ms`: how long the answer to that may take before the connection is closed. Default: 20 s.
    pub keepalive_timeout_ms: u32,
    /// `max_age_ms`: a connection that is older is told to end (GOAWAY) and ends after its calls; 0 lets all grow old.
    /// Default: 0.
    pub max_age_ms: u64,
    /// `max_age_jitter_percent`: by how much ages differ at most, more or less, so that callers do not come back all at
    /// once. Default: 10.
    pub max_age_jitter_percent: u32,
    /// `max_age_grace_ms`: how long the calls of a connection that is too old may go on; 0 lets them end by
    /// themselves. Default: 0.
    pub max_age_grace_ms: u64,
    /// `nodelay`: whether small packets go at once (`TCP_NODELAY`). Default: yes.
    pub nodelay: bool,
    /// `tcp_keepalive_ms`: after so long without a packet the system asks whether the other end is there; 0 asks
    /// nobody. Default: 0, for HTTP/2 asks by itself.
    pub tcp_keepalive_ms: u32,
    /// `backlog`: the most connections that wait to be taken. Default: 1024.
    pub backlog: u32,
    /// `stream_window_bytes`: how much one call may send that has not been read. Default: 1 MiB.
    pub stream_window_bytes: u32,
    /// `connection_window_bytes`: how much all calls of one connection may send that has not been read. Default: 1 MiB.
    pub connection_window_bytes: u32,
    /// `send_buffer_bytes`: how much of the answer to one call waits to be sent before its handler waits. Default:
    /// 400 KiB.
    pub send_buffer_bytes: u32,
    /// `max_header_bytes`: the most metadata of one call. Default: 16 KiB.
    pub max_header_bytes: u32,
}

impl Default for ConnectionSection {
    fn default() -> Self {
        Self {
            max: 0,
            max_streams: 1024,
            handshake_timeout_ms: 10_000,
            keepalive_interval_ms: 60_000,
            keepalive_timeout_ms: 20_000,
            max_age_ms: 0,
            max_age_jitter_percent: 10,
            max_age_grace_ms: 0,
            nodelay: true,
            tcp_keepalive_ms: 0,
            backlog: 1024,
            stream_window_bytes: 1 << 20,
            connection_window_bytes: 1 << 20,
            send_buffer_bytes: 400 << 10,
            max_header_bytes: 16 << 10,
        }
    }
}

/// A setting has a value that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` of [server.connection] has to be {} to {}, not {value}", .range.start(), .range.end())]
pub struct SettingError {
    key: &'static str,
    range: RangeInclusive<u32>,
    value: u32,
}

/// What HTTP/2 lets a window be.
const WINDOW: RangeInclusive<u32> = 65_535..=0x7fff_ffff;

impl ConnectionSection {
    /// Says which value cannot be.
    pub(crate) fn check(&self) -> Result<(), SettingError> {
        let ranges = [
            ("max_streams", self.max_streams, 1..=0x7fff_ffff),
            ("handshake_timeout_ms", self.handshake_timeout_ms, 1..=u32::MAX),
            ("keepalive_timeout_ms", self.keepalive_timeout_ms, 1..=u32::MAX),
            ("max_age_jitter_percent", self.max_age_jitter_percent, 0..=99),
            ("backlog", self.backlog, 1..=0x7fff_ffff),
            ("stream_window_bytes", self.stream_window_bytes, WINDOW),
            ("connection_window_bytes", self.connection_window_bytes, WINDOW),
            ("send_buffer_bytes", self.send_buffer_bytes, 16 << 10..=0x7fff_ffff),
            ("max_header_bytes", self.max_header_bytes, 1024..=16 << 20),
        ];
        match ranges.into_iter().find(|(_, value, range)| !range.contains(value)) {
            Some((key, value, range)) => Err(SettingError { key, range, value }),
            None => Ok(()),
        }
    }

    pub(crate) fn handshake_timeout(&self) -> Duration {
        Duration::from_millis(self.handshake_timeout_ms.into())
    }

    pub(crate) fn keepalive_interval(&self) -> Option<Duration> {
        unless_zero(self.keepalive_interval_ms.into())
    }

    pub(crate) fn keepalive_timeout(&self) -> Duration {
        Duration::from_millis(self.keepalive_timeout_ms.into())
    }

    pub(crate) fn tcp_keepalive(&self) -> Option<Duration> {
        unless_zero(self.tcp_keepalive_ms.into())
    }

    /// How old one connection may be; `random` says which of the ages that are allowed.
    pub(crate) fn max_age(&self, random: u64) -> Option<Duration> {
        let percent = u64::from(self.max_age_jitter_percent);
        let jittered = 100 - percent + random % (2 * percent + 1);
        unless_zero(self.max_age_ms).map(|age| age.mul_f64(jittered as f64 / 100.0))
    }

    pub(crate) fn max_age_grace(&self) -> Option<Duration> {
        unless_zero(self.max_age_grace_ms)
    }
}

fn unless_zero(ms: u64) -> Option<Duration> {
    (ms > 0).then(|| Duration::from_millis(ms))
}

/// `[server.tls]`: the certificates of a server. Needs the feature `tls` of this crate.
///
/// All files are PEM. They are read again when they change; connections that there are stay, and new ones get the new
/// certificates. When new files cannot be used, that is logged, and the old certificates stay.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct TlsSection {
    /// `cert`: the file with its certificate, and those that vouch for it.
    pub cert: PathBuf,
    /// `key`: the file with the key of the certificate.
    pub key: PathBuf,
    /// `client_ca`: the file with the certificates of those who vouch for callers. With it every caller has to have a
    /// certificate. Default: none, and callers are not asked.
    #[serde(default)]
    pub client_ca: Option<PathBuf>,
    /// `reload_ms`: how often the files are looked at. Default: 10 s.
    #[serde(default = "ten_seconds")]
    pub reload_ms: NonZeroU32,
}

impl TlsSection {
    /// Settings with a certificate and its key, for any caller.
    pub fn new(cert: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self { cert: cert.into(), key: key.into(), client_ca: None, reload_ms: ten_seconds() }
    }

    #[cfg(feature = "tls")]
    pub(crate) fn reload(&self) -> Duration {
        Duration::from_millis(self.reload_ms.get().into())
    }
}

/// How a client speaks TLS. Needs the feature `tls` of this crate.
///
/// All files are PEM, and read again when they change.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct ClientTlsSection {
    /// `ca`: the file with the certificates of those who vouch for servers. Default: none, and whom the system trusts
    /// is trusted.
    pub ca: Option<PathBuf>,
    /// `cert`: the file with the client's own certificate, for servers that ask for one. Default: none.
    pub cert: Option<PathBuf>,
    /// `key`: the file with the key of that certificate. Default: none.
    pub key: Option<PathBuf>,
    /// `server_name`: the name that the certificate of the server has to have. Default: the host that is called.
    pub server_name: Option<String>,
    /// `reload_ms`: how often the files are looked at. Default: 10 s.
    pub reload_ms: NonZeroU32,
}

impl Default for ClientTlsSection {
    fn default() -> Self {
        Self { ca: None, cert: None, key: None, server_name: None, reload_ms: ten_seconds() }
    }
}

impl ClientTlsSection {
    #[cfg(feature = "tls")]
    pub(crate) fn reload(&self) -> Duration {
        Duration::from_millis(self.reload_ms.get().into())
    }
}

fn ten_seconds() -> NonZeroU32 {
    const TEN_SECONDS: NonZeroU32 = NonZeroU32::new(10_000).expect("it is not zero");
    TEN_SECONDS
}

/// Certificates that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct TlsError {
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl TlsError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    #[cfg(feature = "tls")]
    pub(super) fn file(key: &str, path: &Path, source: impl Error + Send + Sync + 'static) -> Self {
        let message = format!("cannot use `{}`, the `{key}` of TLS", path.display());
        Self { message, source: Some(Box::new(source)) }
    }

    #[cfg(feature = "tls")]
    pub(super) fn refused(source: impl Error + Send + Sync + 'static) -> Self {
        Self {
            message: "the certificates of TLS cannot be used together".to_owned(),
            source: Some(Box::new(source)),
        }
    }
}
