//! Discovery as tools see it: all instances of one environment, whatever their status.
//!
//! Discovery tells of apps that somebody names. All of them have to be asked for again and again, in one request.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::keys::{Keys, key};
use super::nodes::{Nodes, PATIENCE};
use crate::registry::Wanted;
use crate::registry::layout::{Discovery, Options, Recognized, unsegment};
use crate::registry::records::{RawChange, RawError, RawRecord, RawRecords, RawStore, poll};

/// How often all of them are asked for.
const INTERVAL: Duration = Duration::from_secs(2);
/// What changes by itself whenever an instance is renewed.
const RENEWED: &str = "renew_timestamp";

/// The instances of all environments, by their `appid`.
type All = BTreeMap<String, Option<Vec<Value>>>;

pub(in crate::registry) struct RawDiscovery {
    endpoints: Vec<String>,
    env: String,
    nodes: Nodes,
}

impl RawDiscovery {
    pub(in crate::registry) fn new(endpoints: Vec<String>, env: String) -> Self {
        Self { nodes: Nodes::new(endpoints.clone()), endpoints, env }
    }

    async fn read(&self, prefix: &str) -> Result<RawRecords, RawError> {
        let node = self.nodes.node().await?;
        let found = self.nodes.get::<All>(&node, "/discovery/fetch/all", &[], PATIENCE).await?;
        let found = found.good().unwrap_or_default();
        let (records, others) = records(found, &self.env);
        if records.is_empty() && others {
            return Err(RawError::Missing(format!("there is nothing in the environment `{}`", self.env)));
        }
        Ok(records.into_iter().filter(|(key, _)| key.starts_with(prefix)).collect())
    }
}

/// The instances of an environment as records, and whether there are others.
fn records(all: All, env: &str) -> (RawRecords, bool) {
    let (mut records, mut others) = (RawRecords::new(), false);
    for (appid, instances) in all {
        for (number, mut instance) in instances.unwrap_or_default().into_iter().enumerate() {
            let text = |name: &str| instance.get(name).and_then(Value::as_str).unwrap_or_default();
            if text("env") != env {
                others = true;
                continue;
            }
            let hostname = match text("hostname") {
                // So that it is said what is wrong with it.
                "" => format!("number {number}"),
                hostname => hostname.to_owned(),
            };
            let key = key(&appid, text("zone"), &hostname);
            instance.as_object_mut().and_then(|fields: &mut Map<String, Value>| fields.remove(RENEWED));
            records.insert(key, RawRecord::new(instance.to_string(), true));
        }
    }
    (records, others)
}

/// The layout of a record; `None` if it is none.
pub(in crate::registry) fn recognize(key: &str, value: &str) -> Option<Recognized> {
    #[derive(Deserialize)]
    struct Place {
        #[serde(default)]
        env: String,
    }
    let (appid, _) = key.split_once('/')?;
    let appid = unsegment(appid);
    let env = serde_json::from_str(value).map_or_else(|_| String::new(), |Place { env }| env);
    let options = Options::default();
    let layout = Arc::new(Keys(Discovery::new(&options, env, "")));
    Some(Recognized { layout, options, wanted: Wanted::app(appid.as_str()), name: appid })
}

impl fmt::Debug for RawDiscovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RawDiscovery").field(&self.endpoints).field(&self.env).finish()
    }
}

impl RawStore for RawDiscovery {
    fn kind(&self) -> &'static str {
        "discovery"
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<RawRecords, RawError>> {
        Box::pin(self.read(prefix))
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<RawRecord>, RawError>> {
        Box::pin(async move { Ok(self.read(key).await?.remove(key)) })
    }

    fn follow<'a>(
        &'a self,
        prefix: &'a str,
        tell: &'a mut (dyn FnMut(RawChange) + Send),
    ) -> BoxFuture<'a, RawError> {
        Box::pin(poll(INTERVAL, move || self.read(prefix), tell))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments_are_apart_and_renewals_are_no_changes() {
        let all = r#"{"orders":[{"env":"dev","zone":"sh1","hostname":"a","renew_timestamp":1},
            {"env":"prod","zone":"sh1","hostname":"a"},{"env":"dev","zone":"sh1","hostname":7}],"stock":null}"#;
        let read = |env: &str| records(serde_json::from_str(all).unwrap(), env);
        let (dev, others) = read("dev");
        assert_eq!(dev.keys().collect::<Vec<_>>(), ["orders/sh1/a", "orders/sh1/number 2"]);
        assert!(others && !dev["orders/sh1/a"].value.contains("renew"));
        assert_eq!(read("test"), (RawRecords::new(), true));
    }

    #[test]
    fn whatever_stands_there_is_of_an_app() {
        let found = recognize("a%2Fb/sh1/x", r#"{"env":"dev"}"#).unwrap();
        assert_eq!((found.layout.name(), found.name.as_str()), ("discovery", "a/b"));
        assert!(recognize("a/sh1/x", "garbage").is_some());
        assert!(recognize("a", "{}").is_none());
    }
}
