//! The records of a store as they are, for tools.
//!
//! In: where a store is. Out: its keys and values, whoever wrote them, and every later change. Never: what they mean, which is
//! left to [layouts](super::layout); writing anything.

use std::sync::Arc;

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
pub use super::records::{RawChange, RawError, RawRecord, RawRecords, RawStore};
#[cfg(feature = "zookeeper")]
use super::zookeeper::{RawZooKeeper, ZooKeeperOptions};

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
