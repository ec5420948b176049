//! A registry as a configuration names it.
//!
//! In: `[registry]`, or a table of `[registries]`. Out: settings that go together, or the one that does not and why. Never: a
//! connection.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize};

use super::Instance;
use super::kind::{self, RegistryKind};
use super::layout::{self, Options, StoreKind, UnknownLayout};
use super::secret::Secret;
use super::special::{DiscoverySection, NacosSection};
use crate::net::ClientTlsSection;

/// `[registry]`: how an app is found and finds others. `[registries.NAME]` is one more of them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct RegistrySection {
    /// `kind`: which registry. Default: `memory`.
    #[serde(deserialize_with = "kind::built_in")]
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
    /// kind `zookeeper`, as `host:port`, with a folder for all keys behind the last one: `host:port/folder`; the servers of the
    /// kind `nacos` and the nodes of the kind `discovery`, as `host:port` or `https://host:port`. Default: none named, which is
    /// this machine, at the usual port of the kind: 2379, 2181, 8848 or 7171.
    pub endpoints: Vec<String>,
    /// `user`: who asks the kinds `etcd`, `zookeeper` and `nacos`. Default: nobody.
    pub user: Option<String>,
    /// `password`: the password of the user. It is never shown. Default: none.
    pub password: Option<Secret>,
    /// `[registry.tls]`: whom to trust of the kinds `etcd` and `nacos`, and who this is. Default: none, and connections to
    /// endpoints without `https` are not encrypted.
    pub tls: Option<ClientTlsSection>,
    /// `ttl_ms`: how long the records of the kinds `etcd` (in whole seconds) and `zookeeper` stay when the process has died.
    /// Default: 15 s. Nacos and discovery have times of their own.
    #[serde(deserialize_with = "time_to_live")]
    pub ttl_ms: u64,
    /// `layouts`: in which formats it is written to a store, and others are looked for; the first one counts where two tell of
    /// one address. Default: none named, which is `jupiter` for `etcd`, `dubbo-tri` for `zookeeper` and `nacos`, and
    /// `discovery`, the only one, for `discovery`.
    pub layouts: Vec<String>,
    /// `[registry.options.LAYOUT]`: what may be chosen of a layout. Default: what is usual in its ecosystem.
    pub options: BTreeMap<String, LayoutSection>,
    /// `[registry.nacos]`: where in a Nacos. Default: where everybody is who does not say.
    pub nacos: Option<NacosSection>,
    /// `[registry.discovery]`: where in a discovery. Default: where everybody is who does not say.
    pub discovery: Option<DiscoverySection>,
    /// `empty_protection`: whether the last instances of an app stay known when a store has none any more. Default: not.
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
            nacos: None,
            discovery: None,
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
    /// Who asks, and the password; nothing for nobody.
    #[cfg(any(feature = "etcd", feature = "zookeeper", feature = "nacos"))]
    pub(super) fn asking(&self) -> Option<(&str, &str)> {
        let password = self.password.as_ref().map_or("", Secret::reveal);
        self.user.as_deref().map(|user| (user, password))
    }

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
        use RegistryKind::{Discovery, Nacos, ZooKeeper};
        let kind = self.kind;
        let misfit = |key, why| Err(Misfit::new(&[key], why));
        if kind == ZooKeeper && self.tls.is_some() {
            return misfit("tls", "connections to the kind `zookeeper` are not encrypted");
        }
        if kind == Discovery && self.tls.is_some() {
            return misfit("tls", "the kind `discovery` knows no certificates");
        }
        if kind == Discovery && self.user.is_some() {
            return misfit("user", "the kind `discovery` knows no users");
        }
        if kind != Nacos && self.nacos.is_some() {
            return misfit("nacos", "is for the kind `nacos`");
        }
        if kind != Discovery && self.discovery.is_some() {
            return misfit("discovery", "is for the kind `discovery`");
        }
        match kind {
            Nacos => self.spoken(layout::Nacos::by_name).map(drop),
            Discovery => self.spoken(|name, options| self.in_discovery().layout(name, options)).map(drop),
            _ => self.spoken(layout::by_name).map(drop),
        }
    }

    /// Where in a discovery.
    pub(super) fn in_discovery(&self) -> DiscoverySection {
        self.discovery.clone().unwrap_or_default()
    }

    /// The names of the layouts that are spoken there.
    pub(crate) fn names(&self) -> Vec<&str> {
        match self.layouts.as_slice() {
            [] => self.kind.usual_layouts().to_vec(),
            named => named.iter().map(String::as_str).collect(),
        }
    }

    /// The layouts that are spoken there, as `by_name` knows them, with what was chosen of each.
    pub(super) fn spoken<L>(
        &self,
        by_name: impl Fn(&str, &Options) -> Result<L, UnknownLayout>,
    ) -> Result<Vec<L>, Misfit> {
        let names = self.names();
        for (name, section) in &self.options {
            if !names.contains(&name.as_str()) {
                let spoken = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                let why = format!("is for a layout that is not spoken there; spoken are: {spoken}");
                return Err(Misfit::new(&["options", name], why));
            }
            section.check(name, self.kind)?;
        }
        let of = |name: &str| {
            let section = self.options.get(name).cloned().unwrap_or_default();
            by_name(name, &section.options(self.kind.store()))
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
    /// Whether a layout looks at what can be chosen under this key, in a registry of this kind.
    pub(super) fn is_for(key: &str, layout: &str, kind: RegistryKind) -> bool {
        let is_dubbo = layout.starts_with("dubbo-");
        match key {
            "root" => kind.has_keys() && (is_dubbo || ["kratos", "kitex"].contains(&layout)),
            "mode" => layout == "jupiter",
            "both_names" => is_dubbo,
            _ => true,
        }
    }

    /// Whether the layout looks at everything that was chosen.
    fn check(&self, layout: &str, kind: RegistryKind) -> Result<(), Misfit> {
        let chosen = [
            ("root", self.root.is_some()),
            ("mode", self.mode.is_some()),
            ("both_names", self.both_names.is_some()),
        ];
        let mut ignored =
            chosen.into_iter().filter(|(key, is_chosen)| *is_chosen && !Self::is_for(key, layout, kind));
        match ignored.next() {
            Some((key, _)) => {
                let place = if kind.has_keys() { String::new() } else { format!(" in `{}`", kind.name()) };
                let why = format!("means nothing to the layout `{layout}`{place}");
                Err(Misfit::new(&["options", layout, key], why))
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

fn time_to_live<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match u64::deserialize(deserializer)? {
        0..1_000 => Err(serde::de::Error::custom("at least 1000, a second")),
        time => Ok(time),
    }
}
