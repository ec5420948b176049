//! What instances look like in the registries of others.
//!
//! In: an instance, or the keys and values that somebody wrote. Out: the other one. Never: a store, a connection, a clock;
//! everything here is pure. One record that cannot be read hides no other.
//!
//! What is written is what the ecosystem's own provider writes, as far as any of its readers is particular. What is read may
//! be much less than that.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::{Instance, Wanted};

mod discovery;
mod dubbo;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod go_zero;
mod jupiter;
mod kitex;
mod kratos;
mod labels;
mod nacos;
mod options;
mod recognize;

pub use discovery::{Discovery, DiscoveryInstance};
pub use dubbo::{DubboApp, DubboGrpc, DubboTri, DubboUrl};
pub use go_zero::GoZero;
pub use jupiter::Jupiter;
pub use kitex::Kitex;
pub use kratos::Kratos;
pub use nacos::{Nacos, NacosConfig, NacosForm, NacosInstance};
pub use options::{Options, StoreKind};
pub use recognize::{Recognized, recognize};

/// One key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The whole key: `grpc:orders:v1:live/10.0.0.7:9000`, `/dubbo/shop.orders.v1.Orders/providers/tri%3A%2F%2F..`.
    pub key: String,
    /// Its value; may be empty.
    pub value: String,
    /// How long it stays.
    pub life: Life,
}

impl Entry {
    fn leased(key: String, value: String) -> Self {
        Self { key, value, life: Life::Leased }
    }
}

/// How long an entry stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Life {
    /// As long as the process: it is on its lease, or belongs to its session.
    Leased,
    /// It outlives the process, and is the same whoever writes it.
    Kept,
    /// It outlives the process and is a list with commas that several apps share: the value is added to it, once.
    Shared,
}

/// One format of an instance as keys and values.
///
/// An instance may be read from several keys, as Dubbo writes one for each service; it has the same
/// [`id`](Instance::id) in each.
pub trait Layout: Send + Sync + fmt::Debug + 'static {
    /// Its name in configurations and on the command line: `jupiter`.
    fn name(&self) -> &'static str;

    /// Everything that is written for an instance, in the order in which it is to be written.
    ///
    /// An instance that callers may not use, or that asks for no calls, is not written where they find it: most of the
    /// readers of others call whatever they find.
    fn write(&self, instance: &Instance) -> Vec<Entry>;

    /// The beginnings of the keys under which instances of what is wanted may stand. One that ends with `/` is a folder;
    /// any other is a whole key.
    fn places(&self, wanted: &Wanted) -> Vec<String>;

    /// The instance that one record stands for; `None` if it is no record of an instance, or not of one that is wanted.
    ///
    /// # Errors
    ///
    /// Fails when it should be one and cannot be read.
    fn read(&self, wanted: &Wanted, key: &str, value: &str) -> Result<Option<Instance>, Unreadable>;

    /// Further [places](Self::places) that a record leads to: a mapping leads to its apps, an instance to what its app says
    /// of it. Empty for most.
    fn leads_to(&self, wanted: &Wanted, key: &str, value: &str) -> Vec<String> {
        let _ = (wanted, key, value);
        Vec::new()
    }

    /// What [`read`](Self::read) says, by one who has the other records at hand, too: `others` gives the value of a key.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), and when another record that it needs cannot be read.
    fn read_among<'a>(
        &self,
        wanted: &Wanted,
        key: &str,
        value: &str,
        others: &dyn Fn(&str) -> Option<&'a str>,
    ) -> Result<Option<Instance>, Unreadable> {
        let _ = others;
        self.read(wanted, key, value)
    }
}

/// The names of all layouts.
pub const NAMES: [&str; 7] =
    ["jupiter", "dubbo-tri", "dubbo-grpc", "dubbo-app", "kratos", "kitex", "go-zero"];

/// The layout of a name, one of [`NAMES`].
///
/// # Errors
///
/// Fails when there is none, or when nobody uses it in that kind of store.
pub fn by_name(name: &str, options: &Options) -> Result<Arc<dyn Layout>, UnknownLayout> {
    let options = options.clone();
    let only_etcd = |name| UnknownLayout(format!("the layout `{name}` is for etcd alone"));
    match (name, options.store) {
        ("jupiter" | "kitex" | "go-zero", StoreKind::ZooKeeper) => Err(only_etcd(name)),
        ("jupiter", _) => Ok(Arc::new(Jupiter(options))),
        ("kitex", _) => Ok(Arc::new(Kitex(options))),
        ("go-zero", _) => Ok(Arc::new(GoZero(options))),
        ("kratos", _) => Ok(Arc::new(Kratos(options))),
        ("dubbo-app", _) => Ok(Arc::new(DubboApp(options))),
        ("dubbo-tri", _) => Ok(Arc::new(DubboTri(options))),
        ("dubbo-grpc", _) => Ok(Arc::new(DubboGrpc(options))),
        _ => Err(UnknownLayout(format!("there is no layout `{name}`; there are {}", NAMES.join(", ")))),
    }
}

/// All layouts that somebody uses in the kind of store of the options.
#[must_use]
pub fn all(options: &Options) -> Vec<Arc<dyn Layout>> {
    NAMES.iter().filter_map(|name| by_name(name, options).ok()).collect()
}

/// A layout that was asked for and is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnknownLayout(String);

/// A record that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}`: {why}")]
pub struct Unreadable {
    /// The key of the record.
    pub key: String,
    /// What is wrong with it.
    pub why: String,
}

impl Unreadable {
    fn new(key: &str, why: impl fmt::Display) -> Self {
        Self { key: key.to_owned(), why: why.to_string() }
    }
}

/// Whether callers may be told of the instance. Kratos, Kitex, go-zero, Jupiter and dubbo-go call every instance that they
/// find, whatever its record says.
fn is_to_be_found(instance: &Instance) -> bool {
    instance.enabled && instance.weight > 0
}

/// The folder of the app that is wanted, where one is.
fn folder_of(wanted: &Wanted, folder: impl FnOnce(&str) -> String) -> Vec<String> {
    if wanted.app.is_empty() { Vec::new() } else { vec![folder(&wanted.app)] }
}

/// `host:port` in its two parts, if that is what it is. A host of IPv6 has its brackets.
fn host_and_port(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let is_host = !host.is_empty()
        && !host.contains(['/', '?', '#', '@', ' ', ','])
        && (!host.contains(':') || (host.starts_with('[') && host.ends_with(']')));
    is_host.then_some((host, port))
}

/// A value as JSON.
fn json(value: &impl Serialize) -> String {
    // Strings, numbers and maps under names that are strings: there is nothing that JSON cannot say.
    serde_json::to_string(value).unwrap_or_default()
}

/// A text as the last part of a key.
pub(super) fn segment(id: &str) -> String {
    id.replace('%', "%25").replace('/', "%2F")
}

/// The text of the last part of a key.
pub(super) fn unsegment(segment: &str) -> String {
    segment.replace("%2F", "/").replace("%25", "%")
}

/// What stands directly in `folder`, which ends with `/`: `10.0.0.7:9000` of `orders/10.0.0.7:9000` in `orders/`.
fn child<'a>(key: &'a str, folder: &str) -> Option<&'a str> {
    key.strip_prefix(folder).filter(|rest| !rest.is_empty() && !rest.contains('/'))
}
