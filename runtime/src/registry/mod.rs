//! Where the instances of an app are found.
//!
//! In: an [`Instance`] that wants to be found. Out: for any app id, the instances of now and every later change.
//! Never: choosing among instances, opening connections, judging their health; clients do that.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

#[cfg_attr(
    not(any(feature = "etcd", feature = "zookeeper", feature = "nacos", feature = "discovery")),
    allow(dead_code, reason = "what stores report is read without any, too")
)]
mod board;
#[cfg(feature = "discovery")]
mod discovery;
#[cfg(feature = "etcd")]
mod etcd;
#[cfg(unix)]
mod file;
pub mod governance;
#[cfg(any(feature = "nacos", feature = "discovery"))]
mod http;
#[cfg(any(feature = "etcd", feature = "zookeeper", feature = "nacos", feature = "discovery"))]
mod keyed;
mod kind;
pub mod layout;
mod lists;
mod lookup;
mod memory;
#[cfg(feature = "nacos")]
mod nacos;
mod none;
mod open;
mod provided;
pub mod raw;
mod records;
mod secret;
mod section;
mod several;
mod special;
mod union;
#[cfg(feature = "zookeeper")]
pub(crate) mod zookeeper;

pub use board::{StoreState, stores};
#[cfg(feature = "discovery")]
pub use discovery::{DiscoveryOptions, DiscoveryRegistry};
#[cfg(feature = "etcd")]
pub use etcd::{EtcdOptions, EtcdRegistry};
#[cfg(unix)]
pub use file::FileRegistry;
pub use kind::RegistryKind;
pub use lookup::{Lookup, LookupError};
pub use memory::MemoryRegistry;
#[cfg(feature = "nacos")]
pub use nacos::{NacosOptions, NacosRegistry};
pub use none::NoRegistry;
pub use open::{open, shared};
pub use provided::{Provided, Wanted};
pub use secret::Secret;
pub(crate) use secret::{is_secret, without_passwords};
pub(crate) use section::Misfit;
pub use section::{LayoutSection, RegistrySection};
pub use several::Registries;
pub use special::{DiscoverySection, NacosSection};
#[cfg(feature = "zookeeper")]
pub use zookeeper::{ZooKeeperOptions, ZooKeeperRegistry};

/// One running process that serves an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// The app that it serves: `shop.order.orders`.
    pub app: String,
    /// Tells the instances of one app apart; registering an id again replaces its record: `10.1.0.7:9000`.
    pub id: String,
    /// Where callers connect, as `host:port`: `10.1.0.7:9000`.
    pub address: String,
    /// The share of calls it wants, compared with the other instances; 0 asks for none.
    #[serde(default = "Instance::default_weight")]
    pub weight: u32,
    /// Where it runs: `eu-west-1a`. Empty if it does not say.
    #[serde(default)]
    pub zone: String,
    /// The version of the app: `1.4.2`. Empty if it does not say.
    #[serde(default)]
    pub version: String,
    /// Whatever else its callers, or the layout of a registry, want to know.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// Whether callers may use it; an operator may take it out of use.
    #[serde(default = "Instance::default_enabled")]
    pub enabled: bool,
    /// The callers that it is for: Dubbo's tag, a colour, a lane. Empty for all.
    #[serde(default)]
    pub colour: String,
    /// When it began, in milliseconds since 1970; 0 if it does not say.
    #[serde(default)]
    pub started: u64,
    /// The name of its machine: `web-1`. Empty if it does not say.
    #[serde(default)]
    pub host: String,
    /// Where its port for operators is, as `host:port`: `10.1.0.7:9001`. Empty if others cannot reach it.
    #[serde(default)]
    pub governor: String,
    /// The services behind the address, sorted by name.
    #[serde(default)]
    pub services: Vec<Provided>,
}

impl Instance {
    /// The weight of an instance that does not ask for another.
    pub const DEFAULT_WEIGHT: u32 = 100;

    /// Where the metadata of an instance say which cluster it is in.
    pub const CLUSTER: &str = "cluster";

    /// The cluster that it is in: the entry [`CLUSTER`](Self::CLUSTER) of its metadata. Empty if it does not say.
    #[must_use]
    pub fn cluster(&self) -> &str {
        self.metadata.get(Self::CLUSTER).map_or("", String::as_str)
    }

    fn default_weight() -> u32 {
        Self::DEFAULT_WEIGHT
    }

    fn default_enabled() -> bool {
        true
    }

    /// An instance of `app` at `address` (`host:port`), with the address as its id.
    pub fn new(app: impl Into<String>, address: impl Into<String>) -> Self {
        let address = address.into();
        Self {
            app: app.into(),
            id: address.clone(),
            address,
            weight: Self::DEFAULT_WEIGHT,
            zone: String::new(),
            version: String::new(),
            metadata: BTreeMap::new(),
            enabled: true,
            colour: String::new(),
            started: 0,
            host: String::new(),
            governor: String::new(),
            services: Vec::new(),
        }
    }
}

/// The instances of one app, sorted by id. Lists share what they have in common: one that changes among thousands costs little.
pub type Instances = Arc<[Arc<Instance>]>;

/// A store of instances: registers them and follows them.
///
/// Shared as `Arc<dyn Registry>`, by the [`App`](crate::App) that registers itself and by the clients that
/// [discover](crate::App::registry) others.
pub trait Registry: Send + Sync + fmt::Debug + 'static {
    /// Makes `instance` visible until the registration ends.
    ///
    /// # Errors
    ///
    /// Fails when the store refuses the record for good. One that is only away gives the registration and keeps trying
    /// behind it, so that an app starts without its registry.
    fn register(&self, instance: Instance) -> BoxFuture<'_, Result<Registration, RegistryError>>;

    /// Follows the instances of what is `wanted`: the receiver holds those of now and is told of every change.
    ///
    /// It is called inside of a tokio runtime. An app that nobody serves has no instances, which is not an error.
    /// A store that is away keeps the last list.
    fn watch(&self, wanted: &Wanted) -> watch::Receiver<Instances>;
}

/// What a [`Registry`] holds on behalf of one registered instance.
///
/// Dropping a lease has to remove the record too, as far as that is possible without waiting.
pub trait Lease: Send + Sync + 'static {
    /// Removes the record and returns when it is gone.
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), RegistryError>>;

    /// Whether the record is there now, as far as that is known.
    fn is_held(&self) -> bool {
        true
    }
}

/// An instance that is registered. It stays so until this is [ended](Self::deregister) or dropped.
#[must_use = "dropping a registration ends it"]
pub struct Registration(Box<dyn Lease>);

impl Registration {
    /// The registration that `lease` keeps; for those who write a [`Registry`].
    pub fn new(lease: impl Lease) -> Self {
        Self(Box::new(lease))
    }

    /// Whether the instance is found now, as far as that is known. One whose store is away is so later.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.0.is_held()
    }

    /// Ends the registration; nobody finds the instance any more when this returns.
    ///
    /// # Errors
    ///
    /// Fails when the store could not be told. It then forgets the instance in its own time.
    pub async fn deregister(self) -> Result<(), RegistryError> {
        self.0.release().await
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").finish_non_exhaustive()
    }
}

/// A registry did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct RegistryError {
    message: String,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl RegistryError {
    /// An error that says `message`.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// The same error, caused by `source`.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}
