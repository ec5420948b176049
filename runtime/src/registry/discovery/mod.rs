//! The registry in bilibili's discovery.
//!
//! In: where it is, which layout is spoken there. Out: a [`Registry`]. An instance is renewed now and then, and registered again
//! when it is not there any more.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::sync::watch;

mod keys;
mod nodes;
mod raw;
mod store;

use keys::Keys;
pub(super) use raw::{RawDiscovery, recognize};
use store::DiscoveryStore;

use super::keyed::Keyed;
use super::layout::Discovery;
use super::{Instance, Instances, Registration, Registry, RegistryError, Wanted};

/// How long waiting for a change may take; discovery answers after 30 s at the latest.
const POLL: Duration = Duration::from_secs(40);

/// Where a discovery is, and how it is used.
#[derive(Clone, Debug)]
pub struct DiscoveryOptions {
    endpoints: Vec<String>,
    layout: Discovery,
    renewal: Duration,
    protects_empty: bool,
}

impl DiscoveryOptions {
    /// How often an instance is renewed, unless it is set. Discovery forgets one after 90 s.
    pub const DEFAULT_RENEWAL: Duration = Duration::from_secs(30);

    /// The nodes of a discovery, or some of them, which know the others: `10.1.0.7:7171`.
    #[must_use]
    pub fn at<T: Into<String>>(endpoints: impl IntoIterator<Item = T>, layout: Discovery) -> Self {
        let endpoints = endpoints.into_iter().map(Into::into).collect();
        Self { endpoints, layout, renewal: Self::DEFAULT_RENEWAL, protects_empty: false }
    }

    /// How often an instance is renewed; 30 s unless set, by which discovery counts. As late it is noticed that one is not
    /// there any more, and it is registered again.
    #[must_use]
    pub fn renewal(self, renewal: Duration) -> Self {
        Self { renewal, ..self }
    }

    /// Whether the last instances of an app stay known when all of them are gone from discovery. Not unless set.
    #[must_use]
    pub fn empty_protection(self, on: bool) -> Self {
        Self { protects_empty: on, ..self }
    }
}

/// A registry in bilibili's discovery. Needs the feature `discovery`. Clones share what they know.
///
/// It connects when it is first used, and waits for a discovery that is away: see [`register`](Registry::register).
#[derive(Clone)]
pub struct DiscoveryRegistry {
    options: DiscoveryOptions,
    keyed: Arc<Keyed<DiscoveryStore>>,
}

impl DiscoveryRegistry {
    /// A registry in this discovery.
    #[must_use]
    pub fn new(options: DiscoveryOptions) -> Self {
        let layout = Arc::new(Keys(options.layout.clone()));
        let keyed = Keyed::new(DiscoveryStore::new(&options), vec![layout], options.protects_empty);
        Self { options, keyed: Arc::new(keyed) }
    }
}

impl fmt::Debug for DiscoveryRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DiscoveryRegistry").field(&self.options).finish()
    }
}

impl Registry for DiscoveryRegistry {
    /// Returns when the instance is registered or discovery is away, which is then waited for behind.
    fn register(&self, instance: Instance) -> BoxFuture<'_, Result<Registration, RegistryError>> {
        Box::pin(async move { self.keyed.register(&instance).await })
    }

    fn watch(&self, wanted: &Wanted) -> watch::Receiver<Instances> {
        self.keyed.watch(wanted)
    }
}
