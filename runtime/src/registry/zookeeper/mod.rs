//! The registry in ZooKeeper, 3.4 and later.
//!
//! In: where it is, who asks, which layouts are spoken there. Out: a [`Registry`]. All nodes of an instance that go with it are
//! in one session; whatever ends the session or the nodes, they are written again.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::sync::watch;

mod api;
mod cluster;
mod connection;
mod failed;
mod following;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod raw;
#[cfg(test)]
mod tests;
mod wire;

use api::ZooKeeper;
pub(super) use raw::RawZooKeeper;

use super::keyed::Keyed;
use super::layout::Layout;
use super::{Instance, Instances, Registration, Registry, RegistryError, Wanted};

/// Where a ZooKeeper is, and how it is used.
#[derive(Clone)]
pub struct ZooKeeperOptions {
    endpoints: Vec<String>,
    user: Option<(String, String)>,
    ttl: Duration,
    layouts: Vec<Arc<dyn Layout>>,
    protects_empty: bool,
}

impl ZooKeeperOptions {
    /// How long a record stays when its process has died, unless another time is set.
    pub const DEFAULT_TTL: Duration = Duration::from_secs(15);

    /// The servers of a ZooKeeper, or some of them: `10.1.0.7:2181`, where the port may be left out. A folder that all keys are
    /// in may stand behind them, as in the connect strings of Java: `10.1.0.7,10.1.0.8/fleet`.
    ///
    /// Instances are written in all of these layouts, and looked for in them: the first one counts where two tell of one
    /// address. They have to be those of [`StoreKind::ZooKeeper`](super::layout::StoreKind::ZooKeeper).
    #[must_use]
    pub fn at<T: Into<String>>(
        endpoints: impl IntoIterator<Item = T>,
        layouts: Vec<Arc<dyn Layout>>,
    ) -> Self {
        Self {
            endpoints: endpoints.into_iter().map(Into::into).collect(),
            user: None,
            ttl: Self::DEFAULT_TTL,
            layouts,
            protects_empty: false,
        }
    }

    /// Who asks, by ZooKeeper's scheme `digest`. What is written then is for this user alone, as Dubbo has it.
    #[must_use]
    pub fn user(self, name: impl Into<String>, password: impl Into<String>) -> Self {
        Self { user: Some((name.into(), password.into())), ..self }
    }

    /// How long records stay when their process has died or cannot reach the store. Servers have bounds of their own, of 2 and
    /// 20 of their ticks: 4 to 40 s as they come. 15 s unless set.
    #[must_use]
    pub fn ttl(self, ttl: Duration) -> Self {
        Self { ttl, ..self }
    }

    /// Whether the last instances of an app stay known when all of them are gone from the store. Not unless set.
    #[must_use]
    pub fn empty_protection(self, on: bool) -> Self {
        Self { protects_empty: on, ..self }
    }
}

impl fmt::Debug for ZooKeeperOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZooKeeperOptions")
            .field("endpoints", &self.endpoints)
            .field("user", &self.user.as_ref().map(|(name, _)| name))
            .field("ttl", &self.ttl)
            .field("layouts", &self.layouts)
            .field("empty_protection", &self.protects_empty)
            .finish()
    }
}

/// A registry in ZooKeeper: `kind = "zookeeper"`. Needs the feature `zookeeper`. Clones share their connections and what they
/// know.
///
/// It connects when it is first used, and waits for a store that is away: see [`register`](Registry::register). What is
/// followed goes over one connection, and each instance has one of its own with its session.
#[derive(Clone)]
pub struct ZooKeeperRegistry {
    options: ZooKeeperOptions,
    keyed: Arc<Keyed<ZooKeeper>>,
}

impl ZooKeeperRegistry {
    /// A registry in this ZooKeeper.
    #[must_use]
    pub fn new(options: ZooKeeperOptions) -> Self {
        let keyed = Keyed::new(ZooKeeper::new(&options), options.layouts.clone(), options.protects_empty);
        Self { options, keyed: Arc::new(keyed) }
    }
}

impl fmt::Debug for ZooKeeperRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ZooKeeperRegistry").field(&self.options).finish()
    }
}

impl Registry for ZooKeeperRegistry {
    /// Returns when the records are written or the store is away, which is then waited for behind.
    fn register(&self, instance: Instance) -> BoxFuture<'_, Result<Registration, RegistryError>> {
        Box::pin(async move { self.keyed.register(&instance).await })
    }

    fn watch(&self, wanted: &Wanted) -> watch::Receiver<Instances> {
        self.keyed.watch(wanted)
    }
}
