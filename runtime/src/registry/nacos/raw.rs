//! Nacos as tools see it: the instances of every service of a namespace and a group, and the texts of Dubbo that they lead to.
//!
//! Services and texts are followed like those that somebody wants. Nacos tells nobody that there is a new service, so their names
//! are asked for again.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::interval;

use super::NacosOptions;
use super::keys::Key;
use super::namespaces;
use super::recognize::leads_to;
use super::store::NacosStore;
use super::wire::{Ask, or_empty};
use crate::registry::keyed::store::{Change, Record, Scope, Store as _, Trouble};
use crate::registry::records::{RawChange, RawError, RawRecord, RawRecords, RawStore, Told};

/// How often the names of services are asked for.
const INTERVAL: Duration = Duration::from_secs(1);
/// How many names are asked for at once.
const PAGE: usize = 1000;

/// Asks for the names of services.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServiceListRequest<'a> {
    namespace: &'a str,
    service_name: &'a str,
    group_name: &'a str,
    page_no: usize,
    page_size: usize,
    selector: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServiceList {
    /// How many there are on all pages.
    #[serde(default)]
    count: usize,
    #[serde(default, deserialize_with = "or_empty")]
    service_names: Vec<String>,
}

impl Ask for ServiceListRequest<'_> {
    const KIND: &'static str = "ServiceListRequest";
    type Answer = ServiceList;
}

pub(in crate::registry) struct RawNacos {
    options: Arc<NacosOptions>,
    store: NacosStore,
}

/// A place, and all that stands there.
type Placed = (String, BTreeMap<String, Record>);

impl RawNacos {
    pub(in crate::registry) fn new(options: NacosOptions) -> Self {
        let options = Arc::new(options);
        Self { store: NacosStore::new(&options), options }
    }

    /// The names of all services.
    async fn services(&self) -> Result<Vec<String>, Trouble> {
        let NacosOptions { namespace, group: group_name, .. } = &*self.options;
        let mut names = Vec::new();
        for page_no in 1.. {
            let request = ServiceListRequest {
                namespace,
                service_name: "",
                group_name,
                page_no,
                page_size: PAGE,
                selector: "",
            };
            let ServiceList { count, service_names } = self.store.ask(&request).await?;
            let is_last = service_names.is_empty() || page_no * PAGE >= count;
            // Some servers put the group before it.
            names.extend(service_names.into_iter().map(|name| match name.split_once("@@") {
                Some((_, name)) => name.to_owned(),
                None => name,
            }));
            if is_last {
                break;
            }
        }
        Ok(names)
    }

    /// Follows a place until that breaks; why.
    async fn place(&self, place: String, say: UnboundedSender<Placed>) -> Trouble {
        let scope = Scope::Place(place.clone());
        let mut tell = |change| {
            // A store of this kind tells everything each time.
            if let Change::All(records) = change {
                // Whoever does not listen any more is about to end.
                let _ = say.send((place.clone(), records));
            }
        };
        self.store.follow(&scope, &mut tell).await
    }

    async fn watch(
        &self,
        prefix: &str,
        tell: &mut (dyn FnMut(RawChange) + Send),
    ) -> Result<std::convert::Infallible, RawError> {
        let (say, mut placed) = unbounded_channel::<Placed>();
        let mut places: BTreeMap<String, Option<BTreeMap<String, Record>>> = BTreeMap::new();
        let mut following = FuturesUnordered::new();
        let mut told = Told::default();
        let mut again = interval(INTERVAL);
        loop {
            let leads: Vec<String> = tokio::select! {
                _ = again.tick() => {
                    let services = self.services().await?;
                    services.iter().map(|service| Key::service(service).to_string()).collect()
                }
                Some((place, records)) = placed.recv() => {
                    let leads = records.iter().flat_map(|(key, record)| leads_to(key, &record.value)).collect();
                    places.insert(place, Some(records));
                    leads
                }
                Some(trouble) = following.next() => return Err(Trouble::into(trouble)),
            };
            for place in leads {
                if !places.contains_key(&place) {
                    places.insert(place.clone(), None);
                    following.push(self.place(place, say.clone()));
                }
            }
            if places.values().any(Option::is_none) {
                continue;
            }
            if told.is_nothing() && places.is_empty() {
                namespaces::look_for(&self.options).await?;
            }
            told.tell(all(places.values().flatten(), prefix), tell);
        }
    }
}

fn all<'a>(places: impl Iterator<Item = &'a BTreeMap<String, Record>>, prefix: &str) -> RawRecords {
    #[derive(Deserialize)]
    struct Life {
        ephemeral: Option<bool>,
    }
    let is_leased = |key: &str, value: &str| {
        let life = serde_json::from_str(value).unwrap_or(Life { ephemeral: None });
        matches!(Key::read(key), Some(Key::Instance { .. })) && life.ephemeral.unwrap_or(true)
    };
    let record = |(key, record): (&String, &Record)| {
        (key.clone(), RawRecord::new(Arc::clone(&record.value), is_leased(key, &record.value)))
    };
    places.flatten().filter(|(key, _)| key.starts_with(prefix)).map(record).collect()
}

impl fmt::Debug for RawNacos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RawNacos").field(&self.options).finish()
    }
}

impl RawStore for RawNacos {
    fn kind(&self) -> &'static str {
        self.store.kind()
    }

    /// Follows them until all are told.
    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<RawRecords, RawError>> {
        Box::pin(async move {
            let (say, told) = oneshot::channel();
            let mut say = Some(say);
            let mut tell = |change| {
                if let (RawChange::All(records), Some(say)) = (change, say.take()) {
                    let _listens = say.send(records);
                }
            };
            tokio::select! {
                error = self.follow(prefix, &mut tell) => Err(error),
                Ok(records) = told => Ok(records),
            }
        })
    }

    /// A text need not be one that an instance leads to.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<RawRecord>, RawError>> {
        Box::pin(async move {
            match Key::read(key) {
                Some(Key::Text { .. }) => {
                    let found = self.store.get(key).await?;
                    Ok(found.map(|record| RawRecord::new(record.value, false)))
                }
                _ => Ok(self.list(key).await?.remove(key)),
            }
        })
    }

    fn follow<'a>(
        &'a self,
        prefix: &'a str,
        tell: &'a mut (dyn FnMut(RawChange) + Send),
    ) -> BoxFuture<'a, RawError> {
        Box::pin(async move {
            let Err(error) = self.watch(prefix, tell).await;
            error
        })
    }
}
