//! Discovery as a store. It knows no sessions: each instance is renewed by itself.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::pending;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::time::timeout;

use super::keys::key;
use super::nodes::{App, Apps, Nodes, PATIENCE, Verdict};
use super::{DiscoveryOptions, POLL};
use crate::chance;
use crate::registry::keyed::store::{Change, Record, Scope, Store, Trouble};
use crate::registry::layout::{DiscoveryInstance, unsegment};

/// How long is waited for a change of a single instance.
const ALONE: Duration = Duration::from_secs(5);
/// The status of instances that may be called.
const UP: &str = "1";

pub(super) struct DiscoveryStore {
    nodes: Nodes,
    env: String,
    renewal: Duration,
    /// The number of the last session.
    last: AtomicI64,
    sessions: Mutex<BTreeMap<i64, Session>>,
}

/// What is registered, by its keys.
type Session = BTreeMap<String, Arc<str>>;

impl DiscoveryStore {
    pub(super) fn new(options: &DiscoveryOptions) -> Self {
        Self {
            nodes: Nodes::new(options.endpoints.clone()),
            env: options.layout.env.clone(),
            renewal: options.renewal,
            last: AtomicI64::new(0),
            sessions: Mutex::default(),
        }
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeMap<i64, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn session(&self, number: i64) -> Result<Session, Trouble> {
        let ended = || Trouble::Lost("an instance was not renewed in time".to_owned());
        self.sessions().get(&number).cloned().ok_or_else(ended)
    }

    /// Says something of an instance that is registered.
    async fn say(&self, path: &str, value: &str) -> Result<Verdict<IgnoredAny>, Trouble> {
        let DiscoveryInstance { zone, env, appid, hostname, .. } = read(value)?;
        let form = [("zone", &zone), ("env", &env), ("appid", &appid), ("hostname", &hostname)];
        self.nodes.post(path, &form.map(|(name, value)| (name, value.as_str()))).await
    }

    /// Tells the instances of an app, and then all of them after every change, as one node knows them.
    ///
    /// A node does not tell those who wait that the last instance has gone. So whoever knows but one asks more often.
    async fn instances(
        &self,
        appid: &str,
        tell: &mut (dyn FnMut(Change) + Send),
    ) -> Result<Infallible, Trouble> {
        let node = self.nodes.node().await?;
        // Of two that wait under one name, a node may tell one.
        let waiting = format!("jovian-{:016x}", chance::draw());
        let mut take = |app: Option<App>| {
            let since = app.as_ref().map_or(0, |app| app.latest_timestamp);
            let records = app.map(|app| records(appid, app)).unwrap_or_default();
            let patience = if records.len() == 1 { ALONE } else { POLL };
            tell(Change::All(records));
            (since, patience)
        };
        loop {
            let asked = [("env", self.env.as_str()), ("appid", appid)];
            let status = [("status", UP)];
            let found =
                self.nodes.get(&node, "/discovery/fetch", &[&asked[..], &status].concat(), PATIENCE).await?;
            let (mut since, mut patience) = take(found.good());
            loop {
                let latest = since.to_string();
                let since_when = [("hostname", waiting.as_str()), ("latest_timestamp", &latest)];
                let query = [&asked[..], &since_when].concat();
                let polling = self.nodes.get::<Apps>(&node, "/discovery/polls", &query, POLL);
                let Ok(polled) = timeout(patience, polling).await else { break };
                let Some(app) = polled?.good().and_then(|mut apps| apps.remove(appid)).flatten() else {
                    break;
                };
                (since, patience) = take(Some(app));
            }
        }
    }
}

impl Store for DiscoveryStore {
    fn kind(&self) -> &'static str {
        "discovery"
    }

    fn rhythm(&self) -> Duration {
        self.renewal
    }

    async fn open(&self) -> Result<i64, Trouble> {
        let number = self.last.fetch_add(1, Relaxed) + 1;
        self.sessions().insert(number, Session::new());
        Ok(number)
    }

    async fn beat(&self, session: i64) -> Result<(), Trouble> {
        for value in self.session(session)?.into_values() {
            if let Verdict::NotFound = self.say("/discovery/renew", &value).await? {
                self.sessions().remove(&session);
                return Err(Trouble::Lost("an instance was removed, or not renewed in time".to_owned()));
            }
        }
        Ok(())
    }

    async fn close(&self, session: i64) -> Result<(), Trouble> {
        for value in self.session(session)?.into_values() {
            // One that is not there any more is gone, too.
            self.say("/discovery/cancel", &value).await?;
        }
        self.sessions().remove(&session);
        Ok(())
    }

    /// What was registered stands there until it is missed when it is renewed.
    async fn get(&self, key: &str) -> Result<Option<Record>, Trouble> {
        let sessions = self.sessions();
        let mut latest = sessions.iter().rev();
        Ok(latest.find_map(|(owner, session)| {
            let value = Arc::clone(session.get(key)?);
            Some(Record { value, owner: *owner, version: 1 })
        }))
    }

    async fn swap(&self, key: &str, value: &str, owner: i64, _: i64) -> Result<bool, Trouble> {
        let form = read(value)?.form();
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let _: Verdict<IgnoredAny> = self.nodes.post("/discovery/register", &form).await?;
        if let Some(session) = self.sessions().get_mut(&owner) {
            session.insert(key.to_owned(), value.into());
        }
        Ok(true)
    }

    async fn follow(&self, scope: &Scope, tell: &mut (dyn FnMut(Change) + Send)) -> Trouble {
        match scope {
            Scope::Place(place) => {
                let appid = unsegment(place.trim_end_matches('/'));
                match self.instances(&appid, tell).await {
                    Ok(never) => match never {},
                    Err(trouble) => trouble,
                }
            }
            Scope::Key(_) => pending().await,
        }
    }
}

fn read(value: &str) -> Result<DiscoveryInstance, Trouble> {
    serde_json::from_str(value).map_err(|error| Trouble::Refused(error.to_string()))
}

fn records(appid: &str, app: App) -> BTreeMap<String, Record> {
    #[derive(Deserialize)]
    struct Named {
        #[serde(default)]
        hostname: String,
    }
    let zones = app.instances.unwrap_or_default().into_iter();
    zones
        .flat_map(|(zone, instances)| {
            instances.unwrap_or_default().into_iter().enumerate().map(move |(number, instance)| {
                // One that cannot be read keeps a place of its own, so that it is said what is wrong with it.
                let named = serde_json::from_str::<Named>(instance.get()).ok().map(|named| named.hostname);
                let hostname =
                    named.filter(|name| !name.is_empty()).unwrap_or_else(|| format!("number {number}"));
                let record = Record { value: instance.get().into(), owner: 0, version: 1 };
                (key(appid, &zone, &hostname), record)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::keys::place;
    use super::*;

    #[test]
    fn one_bad_instance_is_a_record_of_its_own() {
        let app = r#"{"instances":{"sh1":[{"hostname":"a"},{"hostname":1},{}],"sh2":[{"hostname":"a"}]},"latest_timestamp":7}"#;
        let app: App = serde_json::from_str(app).unwrap();
        let found: Vec<String> = records("x/y", app).into_keys().collect();
        assert_eq!(found, ["x%2Fy/sh1/a", "x%2Fy/sh1/number 1", "x%2Fy/sh1/number 2", "x%2Fy/sh2/a"]);
        assert!(found.iter().all(|key| key.starts_with(&place("x/y"))));
    }
}
