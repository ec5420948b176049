//! The sections of a configuration file: every setting that there is, its type and its default.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::policies::{ServerPolicySection, policies};
use crate::codec::Encoding;
use crate::net::{ConnectionSection, TlsSection};
use crate::policy::Policies;
use crate::server::{RuntimeKind, ServiceSection};

/// `[app]`: who this is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct AppSection {
    /// `name`: what the app is called in logs, `shop.order.orders`. Default: the app id of the first service served.
    ///
    /// Clients do not find it by this name but by the app id of the service they call, which the IDL says.
    pub name: String,
    /// `version`: the version told to the registry, `1.4.2`. Default: none.
    pub version: String,
    /// `zone`: where it runs, told to the registry, `eu-west-1a`. Default: none.
    pub zone: String,
    /// `cluster`: which part of a fleet it belongs to, told to the registry among the metadata, `green`. Default: none.
    pub cluster: String,
    /// `colour`: the calls that it is for, told to the registry: those of this colour alone, `canary`. Default: none, and it
    /// is for calls without a colour, and for those of a colour that nobody has.
    pub colour: String,
    /// `host`: the name of its machine, told to the registry. Default: what the system says.
    pub host: String,
    /// `metadata`: strings told to the registry, `{ team = "orders" }`. Default: none.
    pub metadata: BTreeMap<String, String>,
    /// `task_timeout_ms`: how long tasks may take to end once they are told, after the last call has ended.
    /// Default: 5 s.
    pub task_timeout_ms: u64,
    /// `stop_on_task_failure`: whether the app stops when one of its tasks fails or panics. Default: yes.
    pub stop_on_task_failure: bool,
    /// `watch_config`: whether a change of the configuration file is looked for while the app runs. Default: yes.
    pub watch_config: bool,
}

impl Default for AppSection {
    fn default() -> Self {
        Self {
            name: String::new(),
            version: String::new(),
            zone: String::new(),
            cluster: String::new(),
            colour: String::new(),
            host: String::new(),
            metadata: BTreeMap::new(),
            task_timeout_ms: 5_000,
            stop_on_task_failure: true,
            watch_config: true,
        }
    }
}

impl AppSection {
    /// `task_timeout_ms`
    #[must_use]
    pub fn task_timeout(&self) -> Duration {
        Duration::from_millis(self.task_timeout_ms)
    }
}

/// `[server]`: where it listens and what it accepts.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct ServerSection {
    /// `address`: where it listens, as `host:port`, where port 0 takes any free one, or as `unix:/path`. Default: `127.0.0.1:9000`.
    pub address: String,
    /// `max_message_bytes`: the largest message it takes. Default: 8 MiB.
    pub max_message_bytes: usize,
    /// `max_reply_bytes`: the largest message it sends. Default: 8 MiB.
    pub max_reply_bytes: usize,
    /// `compress`: how replies are compressed to callers who can read it, `gzip`. Default: not.
    pub compress: Option<Encoding>,
    /// `max_deadline_ms`: the longest that a unary call may take, whatever its caller or the IDL say; 0 sets no
    /// limit. Default: 60 s.
    pub max_deadline_ms: u64,
    /// `stop_wait_ms`: how long it still serves after it has told the registry that it is gone, for those callers
    /// who hear of that late. Default: 1 s.
    pub stop_wait_ms: u64,
    /// `drain_timeout_ms`: how long the calls that are running may take to end when it stops. Default: 10 s.
    pub drain_timeout_ms: u64,
    /// `reflection`: whether tools may ask for the descriptors of its services. Default: yes.
    pub reflection: bool,
    /// `runtime`: on which threads its calls run. Default: `shared`.
    pub runtime: RuntimeKind,
    /// `[server.connection]`: how many connections there may be, how long they live, and what one may carry.
    #[serde(deserialize_with = "checked")]
    pub connection: ConnectionSection,
    /// `max_in_flight`: how many calls run at once, of all methods together; 0 sets no limit. Default: 0.
    pub max_in_flight: u64,
    /// `policy`: what holds for calls of every method of its own services.
    pub policy: ServerPolicySection,
    /// `methods`: what holds for calls of a service, or of one of its methods:
    /// `[server.methods."shop.orders.v1.Orders/GetOrder"]`.
    pub methods: BTreeMap<String, ServerPolicySection>,
    /// `services`: the group and the version that a service is served in, `[server.services."shop.orders.v1.Orders"]`.
    pub services: BTreeMap<String, ServiceSection>,
    /// `[server.tls]`: its certificates. Default: none, and connections are not encrypted.
    pub tls: Option<TlsSection>,
}

impl Default for ServerSection {
    fn default() -> Self {
        Self {
            address: "127.0.0.1:9000".to_owned(),
            max_message_bytes: 8 * 1024 * 1024,
            max_reply_bytes: 8 * 1024 * 1024,
            compress: None,
            max_deadline_ms: 60_000,
            stop_wait_ms: 1_000,
            drain_timeout_ms: 10_000,
            reflection: true,
            runtime: RuntimeKind::default(),
            connection: ConnectionSection::default(),
            max_in_flight: 0,
            policy: ServerPolicySection::default(),
            methods: BTreeMap::new(),
            services: BTreeMap::new(),
            tls: None,
        }
    }
}

impl ServerSection {
    /// `max_deadline_ms`, unless there is no limit.
    #[must_use]
    pub fn max_deadline(&self) -> Option<Duration> {
        (self.max_deadline_ms > 0).then(|| Duration::from_millis(self.max_deadline_ms))
    }

    /// `stop_wait_ms`
    #[must_use]
    pub fn stop_wait(&self) -> Duration {
        Duration::from_millis(self.stop_wait_ms)
    }

    pub(crate) fn policies(&self) -> Policies {
        policies(self.policy.policy(), self.methods.iter().map(|(name, section)| (name, section.policy())))
    }

    /// `drain_timeout_ms`
    #[must_use]
    pub fn drain_timeout(&self) -> Duration {
        Duration::from_millis(self.drain_timeout_ms)
    }
}

/// `[log]`: what it says, and how.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct LogSection {
    /// `level`: from which level on, as `info`, or by module, as `info,orders::store=debug`. Default: `info`.
    #[serde(deserialize_with = "level")]
    pub level: String,
    /// `format`: how a line looks. Default: `text`.
    pub format: LogFormat,
}

impl Default for LogSection {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::default() }
    }
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// An object per line, for programs.
    Json,
}

/// A section in which every value can be.
fn checked<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ConnectionSection, D::Error> {
    let section = ConnectionSection::deserialize(deserializer)?;
    section.check().map_err(serde::de::Error::custom)?;
    Ok(section)
}

/// `[governor]`: the port for operators.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct GovernorSection {
    /// `enabled`: whether there is one. Default: yes.
    pub enabled: bool,
    /// `address`: where it listens, as `host:port`; port 0 takes any free one. Default: this machine alone, at the port
    /// after that of the server, `127.0.0.1:9001`; at any free one if the server's is 0.
    pub address: Option<String>,
    /// `public`: the settings of `[custom]` that it may show, `["warehouse"]`. Default: none.
    pub public: Vec<String>,
}

impl Default for GovernorSection {
    fn default() -> Self {
        Self { enabled: true, address: None, public: Vec::new() }
    }
}

impl GovernorSection {
    /// `address`, or its default beside a server at `server`.
    #[must_use]
    pub fn address_beside(&self, server: &str) -> String {
        if let Some(address) = &self.address {
            return address.clone();
        }
        let port = server.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok()).unwrap_or(0);
        // Whoever does not care about the one port does not care about the other.
        let next = if port == 0 { 0 } else { port.checked_add(1).unwrap_or(0) };
        format!("127.0.0.1:{next}")
    }
}

/// A string that the log understands as its level.
fn level<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let level = String::deserialize(deserializer)?;
    match filter(&level) {
        Ok(_) => Ok(level),
        Err(why) => Err(serde::de::Error::custom(why)),
    }
}

/// The filter that a level means, or why it means none.
pub(crate) fn filter(level: &str) -> Result<EnvFilter, String> {
    let wrong = |why: &dyn Display| Err(format!("`{level}` is no log level: {why}"));
    // The filter takes a lone word for a module, of which it then logs everything.
    if let Some(word) =
        level.split(',').find(|part| !part.contains('=') && part.parse::<LevelFilter>().is_err())
    {
        return wrong(&format_args!("`{word}` is not `off`, `error`, `warn`, `info`, `debug` or `trace`"));
    }
    EnvFilter::from_str(level).or_else(|error| wrong(&error))
}
