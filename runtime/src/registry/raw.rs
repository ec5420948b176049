//! The records of a store as they are, for tools.
//!
//! In: where a store is. Out: its keys and values, whoever wrote them, and every later change. Never: what they mean, which is
//! left to [layouts](super::layout); writing anything.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::time::sleep;

#[cfg(feature = "discovery")]
use super::discovery::{self, RawDiscovery};
#[cfg(feature = "etcd")]
use super::etcd::{EtcdOptions, RawEtcd};
#[cfg(unix)]
use super::file::RawFiles;
#[cfg(any(feature = "discovery", feature = "nacos"))]
use super::layout::Recognized;
#[cfg(feature = "nacos")]
use super::layout::{Layout, UnknownLayout};
#[cfg(feature = "nacos")]
use super::nacos::{self, NacosOptions, RawNacos};
#[cfg(feature = "zookeeper")]
use super::zookeeper::{RawZooKeeper, ZooKeeperOptions};

/// A value, and how long it stays.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawRecord {
    /// The value as text; bytes that are no UTF-8 are replaced.
    pub value: Arc<str>,
    /// Whether it goes with the process that wrote it.
    pub is_leased: bool,
}

impl RawRecord {
    /// A record with this value.
    #[must_use]
    pub fn new(value: impl Into<Arc<str>>, is_leased: bool) -> Self {
        Self { value: value.into(), is_leased }
    }
}

/// Records by their keys.
pub type RawRecords = BTreeMap<String, RawRecord>;

/// What a store tells whoever follows it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RawChange {
    /// All records that there are. This comes first.
    All(RawRecords),
    /// Records that are new or different now, and keys that are gone.
    Some(Vec<(String, Option<RawRecord>)>),
}

/// Why a store does not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RawError {
    /// It cannot be reached, or cannot answer now. Another attempt may help.
    #[error("{0}")]
    Away(String),
    /// It answers, and will not: a wrong password, a missing permission.
    #[error("{0}")]
    Refused(String),
    /// It answers, and does not have what all keys are said to be in: a folder, a namespace.
    #[error("{0}")]
    Missing(String),
}

/// A store, seen by a tool.
pub trait RawStore: Send + Sync + fmt::Debug + 'static {
    /// The kind of the store: `etcd`.
    fn kind(&self) -> &'static str;

    /// All records whose keys begin so; empty for all that there are.
    ///
    /// # Errors
    ///
    /// Fails when the store does not answer.
    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<RawRecords, RawError>>;

    /// One record; `None` if there is none.
    ///
    /// # Errors
    ///
    /// Fails when the store does not answer.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<RawRecord>, RawError>>;

    /// Tells all records whose keys begin so, and from then on every change without a gap, until the store is lost; says why.
    fn follow<'a>(
        &'a self,
        prefix: &'a str,
        tell: &'a mut (dyn FnMut(RawChange) + Send),
    ) -> BoxFuture<'a, RawError>;
}

/// Follows a store that has to be read again and again.
#[cfg_attr(not(unix), allow(dead_code, reason = "files are such a store"))]
pub(super) async fn poll<F>(
    interval: Duration,
    read: impl Fn() -> F,
    tell: &mut (dyn FnMut(RawChange) + Send),
) -> RawError
where
    F: Future<Output = Result<RawRecords, RawError>>,
{
    let mut known: Option<RawRecords> = None;
    loop {
        let records = match read().await {
            Ok(records) => records,
            Err(error) => return error,
        };
        match &known {
            None => tell(RawChange::All(records.clone())),
            Some(known) => match differences(known, &records) {
                changed if changed.is_empty() => {}
                changed => tell(RawChange::Some(changed)),
            },
        }
        known = Some(records);
        sleep(interval).await;
    }
}

/// What has become of records: those that are gone first, then those that are new or different.
pub(super) fn differences(known: &RawRecords, now: &RawRecords) -> Vec<(String, Option<RawRecord>)> {
    let gone = known.keys().filter(|key| !now.contains_key(*key)).map(|key| (key.clone(), None));
    let others = now.iter().filter(|(key, record)| known.get(*key) != Some(record));
    gone.chain(others.map(|(key, record)| (key.clone(), Some(record.clone())))).collect()
}

/// The records in an etcd; of the options it needs neither layouts nor times. It connects when it is first used. Needs the
/// feature `etcd`.
#[cfg(feature = "etcd")]
#[must_use]
pub fn etcd(options: &EtcdOptions) -> Arc<dyn RawStore> {
    Arc::new(RawEtcd::new(options))
}

/// The records in a ZooKeeper; of the options it needs neither layouts nor times. It connects when it is first used. Needs the
/// feature `zookeeper`.
///
/// Every node is a record, folders too. Keys are those below the folder that is named behind the servers. Following them
/// watches every node by itself.
#[cfg(feature = "zookeeper")]
#[must_use]
pub fn zookeeper(options: &ZooKeeperOptions) -> Arc<dyn RawStore> {
    Arc::new(RawZooKeeper::new(options))
}

/// The records in a Nacos, in one of its namespaces and groups. It connects when it is first used. Needs the feature `nacos`.
///
/// `instances/{service}/{host}:{port}` has the JSON of an instance, `texts/{group}/{name}` a text of Dubbo that instances lead to:
/// a mapping, or what an app serves. `/` and `%` are `%2F` and `%25` there.
#[cfg(feature = "nacos")]
#[must_use]
pub fn nacos(options: NacosOptions) -> Arc<dyn RawStore> {
    Arc::new(RawNacos::new(options))
}

/// The layout of a record in a Nacos, as [`recognize`](super::layout::recognize) tells it of records elsewhere. Needs the feature
/// `nacos`.
#[cfg(feature = "nacos")]
#[must_use]
pub fn recognize_in_nacos(key: &str, value: &str) -> Option<Recognized> {
    nacos::recognize(key, value)
}

/// The keys of a layout in a Nacos: of `dubbo-tri`, `dubbo-app` or `kratos`. Needs the feature `nacos`.
///
/// # Errors
///
/// Fails when there is none, or when nobody uses it in Nacos.
#[cfg(feature = "nacos")]
pub fn layout_in_nacos(name: &str) -> Result<Arc<dyn Layout>, UnknownLayout> {
    nacos::layout(name)
}

/// The instances in the environment `env` of bilibili's discovery, whose nodes these are: `10.1.0.7:7171`. Needs the feature
/// `discovery`.
///
/// `{appid}/{zone}/{hostname}` has the JSON of an instance, without the time at which it was last renewed. `/` and `%` are `%2F`
/// and `%25` there.
#[cfg(feature = "discovery")]
#[must_use]
pub fn discovery<T: Into<String>>(
    endpoints: impl IntoIterator<Item = T>,
    env: impl Into<String>,
) -> Arc<dyn RawStore> {
    Arc::new(RawDiscovery::new(endpoints.into_iter().map(Into::into).collect(), env.into()))
}

/// The layout of a record in a discovery, as [`recognize`](super::layout::recognize) tells it of records elsewhere. Needs the
/// feature `discovery`.
#[cfg(feature = "discovery")]
#[must_use]
pub fn recognize_in_discovery(key: &str, value: &str) -> Option<Recognized> {
    discovery::recognize(key, value)
}

/// The records in a folder of the [registry of files](super::FileRegistry): the names of files, and what stands in them. A record
/// whose process has died is none.
#[cfg(unix)]
#[must_use]
pub fn files(folder: impl Into<std::path::PathBuf>) -> Arc<dyn RawStore> {
    Arc::new(RawFiles::new(folder.into()))
}

/// The records of [this user on this machine](super::FileRegistry::of_user).
#[cfg(unix)]
#[must_use]
pub fn files_of_user() -> Arc<dyn RawStore> {
    Arc::new(RawFiles::of_user())
}

/// The instance that a record of the registry of files stands for.
///
/// # Errors
///
/// Fails, with what is wrong, when it is none.
pub fn instance_of_file(value: &str) -> Result<super::Instance, String> {
    toml::from_str(value).map_err(|error| error.message().to_owned())
}
