//! The nodes of one discovery, and requests to them.
//!
//! In: a request. Out: the answer of the node that was used last, or of another one once that is away. Nodes are asked for
//! each other now and then.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::chance;
use crate::registry::http::{Failed, Server};
use crate::registry::keyed::store::Trouble;

/// The port of a node that does not say another.
const PORT: u16 = 7171;
/// How long an answer may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
/// How often the nodes are asked for, as by other clients.
const REFRESH: Duration = Duration::from_secs(30 * 60);

pub(super) struct Nodes {
    configured: Vec<String>,
    /// What they told of each other, and when.
    told: Mutex<Option<(Instant, Vec<Server>)>>,
    /// The number of the one that is used.
    current: AtomicUsize,
}

/// The verdict of a node, whatever the HTTP status is.
#[derive(Debug, Deserialize)]
pub(super) struct Answer<T> {
    code: i64,
    #[serde(default)]
    message: Option<String>,
    pub(super) data: Option<T>,
}

/// All is well.
const OK: i64 = 0;
/// Nothing has changed for as long as a request may wait.
const NOT_MODIFIED: i64 = -304;
const INVALID: i64 = -400;
const NOT_FOUND: i64 = -404;

/// What became of a request that was answered.
#[derive(Debug)]
pub(super) enum Verdict<T> {
    Good(Option<T>),
    Unchanged,
    NotFound,
}

impl<T> Verdict<T> {
    pub(super) fn good(self) -> Option<T> {
        match self {
            Self::Good(data) => data,
            Self::Unchanged | Self::NotFound => None,
        }
    }
}

#[derive(Deserialize)]
struct Node {
    addr: String,
}

/// The instances of apps, by their `appid`; nothing where the last one has gone.
pub(super) type Apps = BTreeMap<String, Option<App>>;

#[derive(Debug, Deserialize)]
pub(super) struct App {
    /// By their zones.
    #[serde(default)]
    pub(super) instances: Option<BTreeMap<String, Option<Vec<Box<RawValue>>>>>,
    #[serde(default)]
    pub(super) latest_timestamp: i64,
}

impl Nodes {
    pub(super) fn new(configured: Vec<String>) -> Self {
        let current = AtomicUsize::new(chance::below(configured.len()).unwrap_or_default());
        Self { configured, told: Mutex::default(), current }
    }

    /// Posts a form.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<Verdict<T>, Trouble> {
        let node = self.node().await?;
        self.taken(node.post(path, form, None, PATIENCE).await)
    }

    /// Asks one node: what another one says since a certain time means something else.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        node: &Server,
        path: &str,
        query: &[(&str, &str)],
        patience: Duration,
    ) -> Result<Verdict<T>, Trouble> {
        self.taken(node.get(path, query, None, patience).await)
    }

    fn taken<T: DeserializeOwned>(
        &self,
        answer: Result<(StatusCode, Bytes), Failed>,
    ) -> Result<Verdict<T>, Trouble> {
        let taken = answer
            .map_err(|error| Trouble::Away(error.to_string()))
            .and_then(|(status, body)| read(status, &body));
        if let Err(Trouble::Away(_)) = &taken {
            self.current.fetch_add(1, Relaxed);
        }
        taken
    }

    /// The node that is used.
    pub(super) async fn node(&self) -> Result<Server, Trouble> {
        let read = |text: &String| Server::read(text, PORT, false);
        let configured: Result<Vec<Server>, String> = self.configured.iter().map(read).collect();
        let mut nodes = configured.map_err(Trouble::Refused)?;
        let is_stale = self.told().as_ref().is_none_or(|(when, _)| when.elapsed() > REFRESH);
        if is_stale && let Some(node) = self.choose(&nodes) {
            let told = node.get("/discovery/nodes", &[], None, PATIENCE).await;
            if let Ok(Verdict::Good(Some(told))) = self.taken::<Vec<Node>>(told) {
                let told = told.iter().filter_map(|node| Server::read(&node.addr, PORT, false).ok());
                *self.told() = Some((Instant::now(), told.collect()));
            }
        }
        if let Some((_, told)) = &*self.told() {
            let new: Vec<Server> = told.iter().filter(|node| !nodes.contains(node)).cloned().collect();
            nodes.extend(new);
        }
        self.choose(&nodes).cloned().ok_or_else(|| Trouble::Refused("there is no endpoint".to_owned()))
    }

    fn choose<'a>(&self, nodes: &'a [Server]) -> Option<&'a Server> {
        nodes.get(self.current.load(Relaxed).checked_rem(nodes.len())?)
    }

    fn told(&self) -> MutexGuard<'_, Option<(Instant, Vec<Server>)>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read<T: DeserializeOwned>(status: StatusCode, body: &[u8]) -> Result<Verdict<T>, Trouble> {
    let answer: Answer<T> = serde_json::from_slice(body)
        .map_err(|error| Trouble::Away(format!("{status}, and the answer cannot be read: {error}")))?;
    let why = || format!("{} ({})", answer.message.as_deref().unwrap_or_default(), answer.code);
    match answer.code {
        OK => Ok(Verdict::Good(answer.data)),
        NOT_MODIFIED => Ok(Verdict::Unchanged),
        NOT_FOUND => Ok(Verdict::NotFound),
        INVALID => Err(Trouble::Refused(why())),
        _ => Err(Trouble::Away(why())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_a_number() {
        let verdict = |text: &str| read::<Apps>(StatusCode::OK, text.as_bytes());
        assert!(matches!(
            verdict(r#"{"code":-304,"message":"-304","ttl":1,"data":null}"#),
            Ok(Verdict::Unchanged)
        ));
        assert!(matches!(verdict(r#"{"code":-404}"#), Ok(Verdict::NotFound)));
        assert!(matches!(verdict(r#"{"code":-400,"message":"-400"}"#), Err(Trouble::Refused(_))));
        assert!(matches!(verdict(r#"{"code":-500}"#), Err(Trouble::Away(_))));
        assert!(matches!(verdict("<html>"), Err(Trouble::Away(_))));
        let apps = r#"{"code":0,"data":{"a":{"instances":{"z":[{},{}],"y":null},"latest_timestamp":7},"b":null},"error":{"-404":null}}"#;
        let Ok(Verdict::Good(Some(apps))) = verdict(apps) else { panic!("it is good") };
        assert!(apps["b"].is_none());
        let app = apps["a"].as_ref().unwrap();
        assert_eq!(
            (app.latest_timestamp, app.instances.as_ref().unwrap()["z"].as_ref().unwrap().len()),
            (7, 2)
        );
    }
}
