//! The registry in Nacos, releases 2 and 3.
//!
//! In: where it is, who asks, which layouts are spoken there. Out: a [`Registry`]. The records of an instance are on one
//! connection, and gone with it; whatever ends the connection, they are written again.

use std::fmt;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use tokio::sync::watch;

mod connection;
mod keys;
mod login;
mod namespaces;
mod raw;
mod recognize;
mod servers;
mod store;
mod texts;
mod wire;

use keys::Keys;
pub(super) use raw::RawNacos;
pub(super) use recognize::{layout, recognize};
use store::NacosStore;

use super::keyed::Keyed;
use super::layout::{Layout, Nacos};
use super::{Instance, Instances, Registration, Registry, RegistryError, Wanted};
use crate::net::ClientTlsSection;

/// Where a Nacos is, and how it is used.
#[derive(Clone)]
pub struct NacosOptions {
    endpoints: Vec<String>,
    user: Option<(String, String)>,
    tls: Option<ClientTlsSection>,
    namespace: String,
    group: String,
    cluster: String,
    layouts: Vec<Nacos>,
    protects_empty: bool,
}

/// What a client says of itself.
const VERSION: &str = concat!("Jovian-Rust:v", env!("CARGO_PKG_VERSION"));

impl NacosOptions {
    /// The group of instances, unless another one is set.
    pub const DEFAULT_GROUP: &'static str = "DEFAULT_GROUP";
    /// The cluster of instances, unless another one is set.
    pub const DEFAULT_CLUSTER: &'static str = "DEFAULT";
    /// The namespace that is there without being made.
    pub const PUBLIC: &'static str = "public";

    /// The servers of a Nacos, or some of them, by the port that all its clients name: `10.1.0.7:8848`, or `https://..`.
    /// Connections are made to the port that is 1000 higher; only passwords go to this one.
    ///
    /// Instances are written in all of these layouts, and looked for in them: the first one counts where two tell of one
    /// address.
    #[must_use]
    pub fn at<T: Into<String>>(
        endpoints: impl IntoIterator<Item = T>,
        layouts: impl IntoIterator<Item = Nacos>,
    ) -> Self {
        Self {
            endpoints: endpoints.into_iter().map(Into::into).collect(),
            user: None,
            tls: None,
            namespace: Self::PUBLIC.to_owned(),
            group: Self::DEFAULT_GROUP.to_owned(),
            cluster: Self::DEFAULT_CLUSTER.to_owned(),
            layouts: layouts.into_iter().collect(),
            protects_empty: false,
        }
    }

    /// Who asks, where that is asked for. The token that a password gives is renewed before it ends.
    #[must_use]
    pub fn user(self, name: impl Into<String>, password: impl Into<String>) -> Self {
        Self { user: Some((name.into(), password.into())), ..self }
    }

    /// Whom to trust, and who this is. Connections are then encrypted, and so is what goes to endpoints over HTTP, which is
    /// the password, unless their scheme is `http`. Needs the feature `tls`.
    #[must_use]
    pub fn tls(self, tls: ClientTlsSection) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// The id of the namespace; [`PUBLIC`](Self::PUBLIC) unless set.
    #[must_use]
    pub fn namespace(self, id: impl Into<String>) -> Self {
        let id = id.into();
        let namespace = if id.is_empty() { Self::PUBLIC.to_owned() } else { id };
        Self { namespace, ..self }
    }

    /// The group in which instances are; [`DEFAULT_GROUP`](Self::DEFAULT_GROUP) unless set. It is not the group of a
    /// service of Dubbo.
    #[must_use]
    pub fn group(self, name: impl Into<String>) -> Self {
        let name = name.into();
        let group = if name.is_empty() { Self::DEFAULT_GROUP.to_owned() } else { name };
        Self { group, ..self }
    }

    /// The cluster in which instances are registered; [`DEFAULT_CLUSTER`](Self::DEFAULT_CLUSTER) unless set. They are found in all of them.
    #[must_use]
    pub fn cluster(self, name: impl Into<String>) -> Self {
        Self { cluster: name.into(), ..self }
    }

    /// Whether the last instances of an app stay known when all of them are gone from Nacos. Not unless set.
    #[must_use]
    pub fn empty_protection(self, on: bool) -> Self {
        Self { protects_empty: on, ..self }
    }

    /// The namespace as texts have it.
    fn tenant(&self) -> &str {
        if self.namespace == Self::PUBLIC { "" } else { &self.namespace }
    }

    fn keys(&self) -> Vec<Arc<dyn Layout>> {
        let keys = |layout: &Nacos| Keys { layout: layout.clone(), cluster: self.cluster.clone() };
        self.layouts.iter().map(|layout| Arc::new(keys(layout)) as Arc<dyn Layout>).collect()
    }
}

impl fmt::Debug for NacosOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NacosOptions")
            .field("endpoints", &self.endpoints)
            .field("user", &self.user.as_ref().map(|(name, _)| name))
            .field("tls", &self.tls)
            .field("namespace", &self.namespace)
            .field("group", &self.group)
            .field("cluster", &self.cluster)
            .field("layouts", &self.layouts)
            .field("empty_protection", &self.protects_empty)
            .finish()
    }
}

/// A registry in Nacos. Needs the feature `nacos`. Clones share their connections and what they know.
///
/// It connects when it is first used, and waits for a Nacos that is away: see [`register`](Registry::register). Each
/// instance has a connection of its own, for Nacos keeps one of each service for a connection.
#[derive(Clone)]
pub struct NacosRegistry {
    options: Arc<NacosOptions>,
    keyed: Arc<Keyed<NacosStore>>,
}

impl NacosRegistry {
    /// A registry in this Nacos.
    #[must_use]
    pub fn new(options: NacosOptions) -> Self {
        let options = Arc::new(options);
        let keyed = Keyed::new(NacosStore::new(&options), options.keys(), options.protects_empty);
        Self { options, keyed: Arc::new(keyed) }
    }
}

impl fmt::Debug for NacosRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NacosRegistry").field(&self.options).finish()
    }
}

impl Registry for NacosRegistry {
    /// Returns when the records are written or Nacos is away, which is then waited for behind.
    fn register(&self, instance: Instance) -> BoxFuture<'_, Result<Registration, RegistryError>> {
        Box::pin(async move { self.keyed.register(&instance).await })
    }

    fn watch(&self, wanted: &Wanted) -> watch::Receiver<Instances> {
        self.keyed.watch(wanted)
    }
}
