//! A registry as a configuration names it.
//!
//! In: `[registry]`, or a table of `[registries]`. Out: settings that go together, or the one that does not and why. Never: a
//! connection.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use super::Instance;
use super::layout::{self, Layout, Options, StoreKind};
use super::secret::Secret;
use crate::net::ClientTlsSection;

/// `[registry]`: how an app is found and finds others. `[registries.NAME]` is one more of them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct RegistrySection {
    /// `kind`: which registry. Default: `memory`.
    #[serde(deserialize_with = "kind")]
    pub kind: RegistryKind,
    /// `register`: whether the app is registered there. Default: yes.
    pub register: bool,
    /// `discover`: whether the app finds others there. Default: yes.
    pub discover: bool,
    /// `path`: the folder of the kind `file`. Default: one for each user of a machine, see [`FileRegistry::of_user`].
    ///
    /// [`FileRegistry::of_user`]: crate::registry::FileRegistry::of_user
    pub path: Option<PathBuf>,
    /// `endpoints`: the members of the kind `etcd`, or some of them, as `host:port` or `https://host:port`; the servers of the
    /// kind `zookeeper`, as `host:port`, with a folder for all keys behind the last one: `host:port/folder`. Default: none
    /// named, which is `127.0.0.1:2379` or `127.0.0.1:2181`.
    pub endpoints: Vec<String>,
    /// `user`: who asks the kinds `etcd` and `zookeeper`. Default: nobody.
    pub user: Option<String>,
    /// `password`: the password of the user. It is never shown. Default: none.
    pub password: Option<Secret>,
    /// `[registry.tls]`: whom to trust of the kind `etcd`, and who this is. Default: none, and connections to endpoints
    /// without `https` are not encrypted.
    pub tls: Option<ClientTlsSection>,
    /// `ttl_ms`: how long the records of the kinds `etcd` (in whole seconds) and `zookeeper` stay when the process has died.
    /// Default: 15 s.
    #[serde(deserialize_with = "time_to_live")]
    pub ttl_ms: u64,
    /// `layouts`: in which formats it is written to the kinds `etcd` and `zookeeper`, and others are looked for; the first one
    /// counts where two tell of one address. Default: none named, which is `jupiter` for `etcd`, and `dubbo-tri` for
    /// `zookeeper`.
    pub layouts: Vec<String>,
    /// `[registry.options.LAYOUT]`: what may be chosen of a layout. Default: what is usual in its ecosystem.
    pub options: BTreeMap<String, LayoutSection>,
    /// `empty_protection`: whether the last instances of an app stay known when the kinds `etcd` and `zookeeper` have none any
    /// more. Default: not.
    pub empty_protection: bool,
    /// `advertise`: where callers connect, if that is not where it listens: `host:port`, `host`, a network in which this
    /// machine has an address, `10.0.0.0/8`, or an interface of it, `interface:eth0`. Default: what `[registry]` says; else
    /// the address that it listens at; of all addresses (`0.0.0.0`), the one that its packets to others come from.
    pub advertise: Option<String>,
    /// `weight`: the share of calls it wants, compared with the other instances. Default: 100.
    pub weight: u32,
}

impl Default for RegistrySection {
    fn default() -> Self {
        Self {
            kind: RegistryKind::default(),
            register: true,
            discover: true,
            path: None,
            endpoints: Vec::new(),
            user: None,
            password: None,
            tls: None,
            ttl_ms: 15_000,
            layouts: Vec::new(),
            options: BTreeMap::new(),
            empty_protection: false,
            advertise: None,
            weight: Instance::DEFAULT_WEIGHT,
        }
    }
}

/// A setting that does not go with the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    /// Its key below that of the section: `options`, `jupiter`, `root`.
    pub(crate) key: Vec<String>,
    pub(crate) why: String,
}

impl Misfit {
    fn new(key: &[&str], why: impl ToString) -> Self {
        Self { key: key.iter().map(|&key| key.to_owned()).collect(), why: why.to_string() }
    }
}

impl RegistrySection {
    /// The members that are asked: those that are named, or the one of its kind on this machine.
    #[must_use]
    pub fn members(&self) -> Vec<String> {
        match self.endpoints.as_slice() {
            [] => self.kind.usual_endpoint().map(str::to_owned).into_iter().collect(),
            named => named.to_vec(),
        }
    }

    /// Whether the settings go together.
    pub(crate) fn check(&self) -> Result<(), Misfit> {
        if self.kind == RegistryKind::ZooKeeper && self.tls.is_some() {
            return Err(Misfit::new(&["tls"], "connections to the kind `zookeeper` are not encrypted"));
        }
        self.spoken().map(drop)
    }

    /// The names of the layouts that are spoken there.
    pub(crate) fn names(&self) -> Vec<&str> {
        match self.layouts.as_slice() {
            [] => self.kind.usual_layouts().to_vec(),
            named => named.iter().map(String::as_str).collect(),
        }
    }

    /// The layouts that are spoken there, with what was chosen of each.
    pub(crate) fn spoken(&self) -> Result<Vec<Arc<dyn Layout>>, Misfit> {
        let names = self.names();
        for (name, section) in &self.options {
            if !names.contains(&name.as_str()) {
                let spoken = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                let why = format!("is for a layout that is not spoken there; spoken are: {spoken}");
                return Err(Misfit::new(&["options", name], why));
            }
            section.check(name)?;
        }
        let of = |name: &str| {
            let section = self.options.get(name).cloned().unwrap_or_default();
            layout::by_name(name, &section.options(self.kind.store()))
        };
        let layouts = names.into_iter().map(of).collect::<Result<_, _>>();
        layouts.map_err(|unknown| Misfit::new(&["layouts"], unknown))
    }
}

/// `[registry.options.LAYOUT]`: what may be chosen of a layout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct LayoutSection {
    /// `root`: the beginning of the keys of Dubbo, Kratos and Kitex. Default: `dubbo`, `/microservices`,
    /// `kitex/registry-etcd`.
    pub root: Option<String>,
    /// `names`: what apps are called there, where that is not their id: `{ "shop.order.orders" = "orders.rpc" }`. Default:
    /// none.
    pub names: BTreeMap<String, String>,
    /// `mode`: the mode of Jupiter, which separates environments in one store. Default: what the variable `APP_MODE`
    /// says, as for Jupiter itself, else `unknown-mode`.
    pub mode: Option<String>,
    /// `both_names`: whether Dubbo's keys are written for the name in the IDL, too, where it is not the Java interface.
    /// Default: yes.
    pub both_names: Option<bool>,
}

impl LayoutSection {
    /// Whether a layout looks at what can be chosen under this key.
    pub(super) fn is_for(key: &str, layout: &str) -> bool {
        let is_dubbo = layout.starts_with("dubbo-");
        match key {
            "root" => is_dubbo || ["kratos", "kitex"].contains(&layout),
            "mode" => layout == "jupiter",
            "both_names" => is_dubbo,
            _ => true,
        }
    }

    /// Whether the layout looks at everything that was chosen.
    fn check(&self, layout: &str) -> Result<(), Misfit> {
        let chosen = [
            ("root", self.root.is_some()),
            ("mode", self.mode.is_some()),
            ("both_names", self.both_names.is_some()),
        ];
        let mut ignored =
            chosen.into_iter().filter(|(key, is_chosen)| *is_chosen && !Self::is_for(key, layout));
        match ignored.next() {
            Some((key, _)) => {
                Err(Misfit::new(&["options", layout, key], format!("means nothing to the layout `{layout}`")))
            }
            None => Ok(()),
        }
    }

    fn options(self, store: StoreKind) -> Options {
        let usual = Options::of(store);
        let Self { root, names, mode, both_names } = self;
        let mode = mode.or_else(|| std::env::var("APP_MODE").ok().filter(|mode| !mode.is_empty()));
        Options {
            store,
            root,
            names,
            mode: mode.unwrap_or(usual.mode),
            both_names: both_names.unwrap_or(usual.both_names),
        }
    }
}

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
    /// None: it is not registered and finds nobody.
    None,
}

impl RegistryKind {
    /// All in which somebody can be found.
    pub(super) const ALL: [Self; 4] = [Self::Memory, Self::File, Self::Etcd, Self::ZooKeeper];

    /// Its name in configurations and targets: `etcd`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::File => "file",
            Self::Etcd => "etcd",
            Self::ZooKeeper => "zookeeper",
            Self::None => "none",
        }
    }

    /// The feature of this crate that it needs and that is not built in.
    pub(super) fn missing_feature(self) -> Option<&'static str> {
        match self {
            Self::Etcd if !cfg!(feature = "etcd") => Some("etcd"),
            Self::ZooKeeper if !cfg!(feature = "zookeeper") => Some("zookeeper"),
            _ => None,
        }
    }

    /// Where it is, if nobody says.
    fn usual_endpoint(self) -> Option<&'static str> {
        match self {
            Self::Etcd => Some("127.0.0.1:2379"),
            Self::ZooKeeper => Some("127.0.0.1:2181"),
            Self::Memory | Self::File | Self::None => None,
        }
    }

    /// What is spoken there, if nobody says.
    fn usual_layouts(self) -> &'static [&'static str] {
        match self {
            Self::Etcd => &["jupiter"],
            Self::ZooKeeper => &["dubbo-tri"],
            Self::Memory | Self::File | Self::None => &[],
        }
    }

    /// The kind of store, where layouts differ.
    fn store(self) -> StoreKind {
        match self {
            Self::ZooKeeper => StoreKind::ZooKeeper,
            Self::Etcd | Self::Memory | Self::File | Self::None => StoreKind::Etcd,
        }
    }
}

/// A registry that was compiled in.
fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RegistryKind, D::Error> {
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

fn time_to_live<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match u64::deserialize(deserializer)? {
        0..1_000 => Err(serde::de::Error::custom("at least 1000, a second")),
        time => Ok(time),
    }
}
