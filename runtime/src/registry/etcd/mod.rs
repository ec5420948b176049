//! The registry in etcd, version 3.
//!
//! In: where it is, who asks, which layouts are spoken there. Out: a [`Registry`]. All records of an instance are on one
//! lease, which is kept alive at a third of its time; whatever ends the lease or the records, they are written again.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::sync::watch;

mod api;
mod clients;
mod raw;

use api::Etcd;
pub(super) use raw::RawEtcd;

use super::keyed::Keyed;
use super::layout::Layout;
use super::{Instance, Instances, Registration, Registry, RegistryError, Wanted};
use crate::net::ClientTlsSection;

/// Where an etcd is, and how it is used.
#[derive(Clone)]
pub struct EtcdOptions {
    endpoints: Vec<String>,
    user: Option<(String, String)>,
    tls: Option<ClientTlsSection>,
    ttl: Duration,
    layouts: Vec<Arc<dyn Layout>>,
    protects_empty: bool,
}

impl EtcdOptions {
    /// How long a record stays when its process has died, unless another time is set.
    pub const DEFAULT_TTL: Duration = Duration::from_secs(15);

    /// The members of an etcd, or some of them: `10.1.0.7:2379`, or `https://..`. A call that one of them does not take
    /// goes to another one.
    ///
    /// Instances are written in all of these layouts, and looked for in them: the first one counts where two tell of one
    /// address.
    #[must_use]
    pub fn at<T: Into<String>>(
        endpoints: impl IntoIterator<Item = T>,
        layouts: Vec<Arc<dyn Layout>>,
    ) -> Self {
        Self {
            endpoints: endpoints.into_iter().map(Into::into).collect(),
            user: None,
            tls: None,
            ttl: Self::DEFAULT_TTL,
            layouts,
            protects_empty: false,
        }
    }

    /// Who asks, where that is asked for. The token that a password gives is renewed when it is no longer taken.
    #[must_use]
    pub fn user(self, name: impl Into<String>, password: impl Into<String>) -> Self {
        Self { user: Some((name.into(), password.into())), ..self }
    }

    /// Whom to trust, and who this is; endpoints without a scheme are then those of `https`. Needs the feature `tls`.
    #[must_use]
    pub fn tls(self, tls: ClientTlsSection) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// How long records stay when their process has died or cannot reach the store: a whole number of seconds, others are
    /// rounded up. etcd gives at least what it needs for an election, two seconds as it comes. 15 s unless set.
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

impl fmt::Debug for EtcdOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdOptions")
            .field("endpoints", &self.endpoints)
            .field("user", &self.user.as_ref().map(|(name, _)| name))
            .field("tls", &self.tls)
            .field("ttl", &self.ttl)
            .field("layouts", &self.layouts)
            .field("empty_protection", &self.protects_empty)
            .finish()
    }
}

/// A registry in etcd: `kind = "etcd"`. Needs the feature `etcd`. Clones share their connections and what they know.
///
/// It connects when it is first used, and waits for a store that is away: see [`register`](Registry::register).
#[derive(Clone)]
pub struct EtcdRegistry {
    options: EtcdOptions,
    keyed: Arc<Keyed<Etcd>>,
}

impl EtcdRegistry {
    /// A registry in this etcd.
    #[must_use]
    pub fn new(options: EtcdOptions) -> Self {
        let keyed = Keyed::new(Etcd::new(&options), options.layouts.clone(), options.protects_empty);
        Self { options, keyed: Arc::new(keyed) }
    }
}

impl fmt::Debug for EtcdRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EtcdRegistry").field(&self.options).finish()
    }
}

impl Registry for EtcdRegistry {
    /// Returns when the records are written or the store is away, which is then waited for behind.
    fn register(&self, instance: Instance) -> BoxFuture<'_, Result<Registration, RegistryError>> {
        Box::pin(async move { self.keyed.register(&instance).await })
    }

    fn watch(&self, wanted: &Wanted) -> watch::Receiver<Instances> {
        self.keyed.watch(wanted)
    }
}
