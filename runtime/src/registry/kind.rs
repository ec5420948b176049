//! The kinds of registries.
//!
//! In: the name of one. Out: what is usual there, and what it needs. Never: one that is not built in, from a configuration.

use serde::{Deserialize, Deserializer, Serialize};

use super::layout::{self, StoreKind};

/// The registries that a configuration can name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RegistryKind {
    /// The table that the apps of one process share.
    #[default]
    Memory,
    /// A folder: the processes of one user on one machine find each other. Where there is no Unix it is `memory`, and the
    /// log says so.
    File,
    /// An etcd, version 3. Needs the feature `etcd` of this crate.
    Etcd,
    /// A ZooKeeper, 3.4 or later. Needs the feature `zookeeper` of this crate.
    ZooKeeper,
    /// A Nacos, releases 2 and 3. Needs the feature `nacos` of this crate.
    Nacos,
    /// A discovery of bilibili. Needs the feature `discovery` of this crate.
    Discovery,
    /// None: it is not registered and finds nobody.
    None,
}

impl RegistryKind {
    /// All in which somebody can be found.
    pub(super) const ALL: [Self; 6] =
        [Self::Memory, Self::File, Self::Etcd, Self::ZooKeeper, Self::Nacos, Self::Discovery];

    /// Its name in configurations and targets: `etcd`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::File => "file",
            Self::Etcd => "etcd",
            Self::ZooKeeper => "zookeeper",
            Self::Nacos => "nacos",
            Self::Discovery => "discovery",
            Self::None => "none",
        }
    }

    /// The feature of this crate that it needs and that is not built in.
    pub(super) fn missing_feature(self) -> Option<&'static str> {
        match self {
            Self::Etcd if !cfg!(feature = "etcd") => Some("etcd"),
            Self::ZooKeeper if !cfg!(feature = "zookeeper") => Some("zookeeper"),
            Self::Nacos if !cfg!(feature = "nacos") => Some("nacos"),
            Self::Discovery if !cfg!(feature = "discovery") => Some("discovery"),
            _ => None,
        }
    }

    /// Where it is, if nobody says.
    pub(super) fn usual_endpoint(self) -> Option<&'static str> {
        match self {
            Self::Etcd => Some("127.0.0.1:2379"),
            Self::ZooKeeper => Some("127.0.0.1:2181"),
            Self::Nacos => Some("127.0.0.1:8848"),
            Self::Discovery => Some("127.0.0.1:7171"),
            Self::Memory | Self::File | Self::None => None,
        }
    }

    /// What is spoken there, if nobody says.
    pub(super) fn usual_layouts(self) -> &'static [&'static str] {
        match self {
            Self::Etcd => &["jupiter"],
            Self::ZooKeeper | Self::Nacos => &["dubbo-tri"],
            Self::Discovery => &[layout::Discovery::NAME],
            Self::Memory | Self::File | Self::None => &[],
        }
    }

    /// The kind of store, where layouts of keys differ.
    pub(super) fn store(self) -> StoreKind {
        if self == Self::ZooKeeper { StoreKind::ZooKeeper } else { StoreKind::Etcd }
    }

    /// Whether records stand there under keys, and not as instances of services.
    pub(super) fn has_keys(self) -> bool {
        !matches!(self, Self::Nacos | Self::Discovery)
    }
}

/// A registry that was compiled in.
pub(super) fn built_in<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RegistryKind, D::Error> {
    let kind = RegistryKind::deserialize(deserializer)?;
    match kind.missing_feature() {
        Some(feature) => Err(serde::de::Error::custom(needs(feature))),
        None => Ok(kind),
    }
}

/// What is said where a feature of this crate is missing.
pub(super) fn needs(feature: &str) -> String {
    format!("`{feature}` needs the feature `{feature}` of the crate `jovian-runtime`")
}
