//! `[server.policy]`, `[server.methods]`, `[client.policy]`, `[client.methods]`: what holds for calls.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::sections::AppSection;
use crate::client::{BalancingSection, Target};
use crate::codec::Encoding;
use crate::codes;
use crate::descriptor::Service;
use crate::error::Code;
use crate::net::{ClientConnectionSection, ClientTlsSection};
use crate::policy::{Codes, Policies, Policy, Retry};

/// What holds for the calls of a server's methods. A time of 0 sets no bound; what is not written is said elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct ServerPolicySection {
    /// `timeout_ms`: the longest that a call with one request and one reply takes.
    pub timeout_ms: Option<u64>,
    /// `open_timeout_ms`: the longest that a stream of requests may take to bring its first one.
    pub open_timeout_ms: Option<u64>,
    /// `idle_timeout_ms`: the longest that a stream may carry no message, either way.
    pub idle_timeout_ms: Option<u64>,
    /// `max_request_bytes`: the largest request that is read.
    pub max_request_bytes: Option<usize>,
    /// `max_reply_bytes`: the largest reply that is sent.
    pub max_reply_bytes: Option<usize>,
    /// `compress`: how replies are compressed to callers who can read it: `gzip`, `zstd` where that is built in, or `none`.
    #[serde(deserialize_with = "compression")]
    pub compress: Option<Compression>,
    /// `in_flight`: how many calls of a method run at once; 0 sets no limit.
    pub in_flight: Option<u32>,
    /// `callers`: who may call, `["shop.web.site", "ops.*"]`; an empty list lets everybody.
    pub callers: Option<Vec<String>>,
    /// `access_log`: the share of calls that get a line in the access log, from 0 to 1.
    #[serde(deserialize_with = "share")]
    pub access_log: Option<f64>,
    /// `slow_log_ms`: calls that take longer get a line in the log; 0 turns that off.
    pub slow_log_ms: Option<u64>,
    /// `metrics`: whether calls are counted and measured.
    pub metrics: Option<bool>,
    /// `trace`: whether calls may have spans.
    pub trace: Option<bool>,
}

/// What holds for the calls that the clients of an app make. A time of 0 sets no bound.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct ClientPolicySection {
    /// `timeout_ms`: the longest that a call with one request and one reply takes, if its caller says nothing.
    pub timeout_ms: Option<u64>,
    /// `open_timeout_ms`: the longest that a stream waits for the first sign of the server.
    pub open_timeout_ms: Option<u64>,
    /// `idle_timeout_ms`: the longest that a stream may carry no message, either way.
    pub idle_timeout_ms: Option<u64>,
    /// `max_request_bytes`: the largest request that is sent.
    pub max_request_bytes: Option<usize>,
    /// `max_reply_bytes`: the largest reply that is read.
    pub max_reply_bytes: Option<usize>,
    /// `compress`: how requests are compressed: `gzip`, `zstd` where that is built in, or `none`.
    #[serde(deserialize_with = "compression")]
    pub compress: Option<Compression>,
    /// `retry`: when a call is tried again, `{ attempts = 3, codes = ["UNAVAILABLE"] }`.
    pub retry: RetrySection,
    /// `breaker`: whether a service that fails is spared.
    pub breaker: Option<bool>,
    /// `access_log`: the share of calls that get a line in the access log, from 0 to 1.
    #[serde(deserialize_with = "share")]
    pub access_log: Option<f64>,
    /// `slow_log_ms`: calls that take longer get a line in the log; 0 turns that off.
    pub slow_log_ms: Option<u64>,
    /// `metrics`: whether calls are counted and measured.
    pub metrics: Option<bool>,
    /// `trace`: whether calls may have spans.
    pub trace: Option<bool>,
}

/// When a call is tried again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct RetrySection {
    /// `attempts`: how often a call is tried, the first time included; 1 turns retries off.
    #[serde(deserialize_with = "attempts")]
    pub attempts: Option<u32>,
    /// `codes`: the codes after which it is tried again, `["UNAVAILABLE"]`.
    #[serde(deserialize_with = "code_names")]
    pub codes: Option<Vec<String>>,
    /// `backoff_ms`: the pause before the second attempt; it doubles from there.
    pub backoff_ms: Option<u64>,
    /// `max_backoff_ms`: the longest pause.
    pub max_backoff_ms: Option<u64>,
}

/// `[client]`: what holds for the calls that the clients of an app make.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct ClientSection {
    /// `[client.connection]`: how connections are made and kept.
    pub connection: ClientConnectionSection,
    /// `[client.tls]`: the certificates of clients. Default: none, and nothing is encrypted.
    pub tls: Option<ClientTlsSection>,
    /// `[client.balancing]`: how each call chooses among instances.
    pub balancing: BalancingSection,
    /// `services`: what holds for the clients of one service, or of all services of an app:
    /// `[client.services."shop.stock.v1.Stock"]`.
    pub services: BTreeMap<String, ClientServiceSection>,
    /// `policy`: of every call.
    pub policy: ClientPolicySection,
    /// `methods`: of the calls of a service, or of one of its methods: `[client.methods."shop.stock.v1.Stock/Reserve"]`.
    pub methods: BTreeMap<String, ClientPolicySection>,
}

/// `[client.services."shop.stock.v1.Stock"]`: what holds for the clients of one service, or of all services of an app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct ClientServiceSection {
    /// `target`: where its servers are, `static://10.1.0.7:9000` or `etcd:///shop.stock`. Default: what the registries of
    /// the app tell.
    #[serde(deserialize_with = "target")]
    pub target: Option<String>,
    /// `group`: the group that it is looked for in, `blue`, or several, `blue,green`, or `*`. Default: those in none.
    pub group: Option<String>,
    /// `version`: the version that is looked for, `1.0.0`, or `*`. Default: those without.
    pub version: Option<String>,
    /// `balancing`: how each call chooses among its instances, where that is not what `[client.balancing]` says.
    pub balancing: BalancingSection,
}

/// A target that can be understood.
fn target<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let target = Option::<String>::deserialize(deserializer)?;
    match target.as_deref().map(Target::check) {
        Some(Err(why)) => Err(serde::de::Error::custom(why)),
        _ => Ok(target),
    }
}

impl ClientSection {
    /// What is said of the clients of a service. What its app says counts where it says nothing itself.
    pub(crate) fn of(&self, service: &Service) -> ClientServiceSection {
        let said = |name: &str| self.services.get(name).cloned().unwrap_or_default();
        let (own, of_app) = (said(service.name), said(service.app));
        ClientServiceSection {
            target: own.target.or(of_app.target),
            group: own.group.or(of_app.group),
            version: own.version.or(of_app.version),
            balancing: own.balancing.over(&of_app.balancing),
        }
    }

    /// How calls of all services choose, for callers that are where the app is.
    pub(crate) fn balancing_in(&self, app: &AppSection) -> BalancingSection {
        self.balancing.over(&BalancingSection {
            zone: Some(app.zone.clone()),
            cluster: Some(app.cluster.clone()),
            ..BalancingSection::default()
        })
    }

    pub(crate) fn policies(&self) -> Policies {
        policies(self.policy.policy(), self.methods.iter().map(|(name, section)| (name, section.policy())))
    }
}

/// Those of everything, and those of services and methods by name.
pub(super) fn policies<'a>(all: Policy, targets: impl Iterator<Item = (&'a String, Policy)>) -> Policies {
    targets.fold(Policies::new().all(all), |policies, (name, policy)| policies.method(name, policy))
}

impl ServerPolicySection {
    pub(super) fn policy(&self) -> Policy {
        Policy {
            timeout: self.timeout_ms.map(bound),
            open_timeout: self.open_timeout_ms.map(bound),
            idle_timeout: self.idle_timeout_ms.map(bound),
            max_request_bytes: self.max_request_bytes,
            max_reply_bytes: self.max_reply_bytes,
            compress: self.compress.map(|compress| compress.0),
            in_flight: self.in_flight,
            callers: self.callers.as_deref().map(kept),
            access_log: self.access_log,
            slow_log: self.slow_log_ms.map(Duration::from_millis),
            metrics: self.metrics,
            trace: self.trace,
            ..Policy::new()
        }
    }
}

impl ClientPolicySection {
    fn policy(&self) -> Policy {
        Policy {
            timeout: self.timeout_ms.map(bound),
            open_timeout: self.open_timeout_ms.map(bound),
            idle_timeout: self.idle_timeout_ms.map(bound),
            max_request_bytes: self.max_request_bytes,
            max_reply_bytes: self.max_reply_bytes,
            compress: self.compress.map(|compress| compress.0),
            retry: self.retry.retry(),
            breaker: self.breaker,
            access_log: self.access_log,
            slow_log: self.slow_log_ms.map(Duration::from_millis),
            metrics: self.metrics,
            trace: self.trace,
            ..Policy::new()
        }
    }
}

impl RetrySection {
    fn retry(&self) -> Retry {
        let codes = self.codes.as_ref().map(|names| {
            let codes: Vec<Code> = names.iter().filter_map(|name| codes::named(name)).collect();
            Codes::new(&codes)
        });
        Retry {
            attempts: self.attempts,
            codes,
            backoff: self.backoff_ms.map(Duration::from_millis),
            max_backoff: self.max_backoff_ms.map(Duration::from_millis),
        }
    }
}

/// How messages are compressed; nothing stands for `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression(pub Option<Encoding>);

impl Serialize for Compression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.map_or(UNCOMPRESSED, Encoding::name))
    }
}

const UNCOMPRESSED: &str = "none";

fn compression<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Compression>, D::Error> {
    let name = String::deserialize(deserializer)?;
    if name == UNCOMPRESSED {
        return Ok(Some(Compression(None)));
    }
    match Encoding::from_name(&name) {
        Some(encoding) => Ok(Some(Compression(Some(encoding)))),
        None => {
            let known: Vec<String> =
                Encoding::ALL.iter().map(|known| format!("`{}`", known.name())).collect();
            Err(serde::de::Error::custom(format_args!(
                "`{name}` compresses nothing here: write {} or `{UNCOMPRESSED}`",
                known.join(", ")
            )))
        }
    }
}

/// A time in milliseconds; 0 sets no bound.
fn bound(milliseconds: u64) -> Duration {
    if milliseconds == 0 { Duration::MAX } else { Duration::from_millis(milliseconds) }
}

/// The same list, for ever: policies are plain values that calls copy. Each list is kept once, however often a
/// configuration is read.
fn kept(callers: &[String]) -> &'static [&'static str] {
    static LISTS: Mutex<BTreeSet<&'static [&'static str]>> = Mutex::new(BTreeSet::new());
    let mut lists = LISTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = lists.iter().find(|known| **known == callers) {
        return known;
    }
    let list: Vec<&'static str> =
        callers.iter().map(|caller| &*Box::leak(caller.clone().into_boxed_str())).collect();
    let list: &'static [&'static str] = Box::leak(list.into_boxed_slice());
    lists.insert(list);
    list
}

/// A number from 0 to 1.
fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let share = f64::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&share) {
        Ok(Some(share))
    } else {
        Err(serde::de::Error::custom(format_args!(
            "`{share}` is no share of all calls: write a number from 0 to 1"
        )))
    }
}

fn attempts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    match u32::deserialize(deserializer)? {
        0 => Err(serde::de::Error::custom("0 attempts are no call; write 1 to turn retries off")),
        attempts => Ok(Some(attempts)),
    }
}

fn code_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    let fails = |name: &str| codes::named(name).is_some_and(|code| code != Code::Ok);
    match names.iter().find(|name| !fails(name)) {
        None => Ok(Some(names)),
        Some(wrong) => Err(serde::de::Error::custom(format_args!(
            "`{wrong}` is no code of a failure, such as `UNAVAILABLE`"
        ))),
    }
}
