//! What may be chosen of a layout.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::registry::{Instance, Wanted};

/// What may be chosen of a layout. Those that a layout has no use for are ignored by it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Options {
    /// The kind of store that it is written to, where that makes a difference.
    pub store: StoreKind,
    /// The beginning of the keys in place of the usual one: `dubbo`, `/microservices`, `kitex/registry-etcd`.
    pub root: Option<String>,
    /// What apps are called in this layout, where that is not their id: `shop.order.orders` may be the key `orders.rpc` of
    /// go-zero. It holds for what is written and for what is looked for.
    pub names: BTreeMap<String, String>,
    /// The mode of Jupiter, which separates environments in one store: `live`. Jupiter's own default is `unknown-mode`.
    pub mode: String,
    /// Whether Dubbo's keys are written for the name in the IDL, too, where it is not the Java interface: dubbo-go looks for
    /// that one.
    pub both_names: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            store: StoreKind::default(),
            root: None,
            names: BTreeMap::new(),
            mode: "unknown-mode".to_owned(),
            both_names: true,
        }
    }
}

impl Options {
    /// The usual ones, for one kind of store.
    #[must_use]
    pub fn of(store: StoreKind) -> Self {
        Self { store, ..Self::default() }
    }

    /// What an app is called in this layout.
    pub(super) fn app<'a>(&'a self, id: &'a str) -> &'a str {
        self.names.get(id).map_or(id, String::as_str)
    }

    /// The id of the app that a record calls `name`.
    pub(super) fn id(&self, name: &str, wanted: &Wanted) -> String {
        if name.is_empty() || name == self.app(&wanted.app) {
            return wanted.app.clone();
        }
        let known = self.names.iter().find(|(_, called)| *called == name);
        known.map_or(name, |(id, _)| id).to_owned()
    }

    /// An instance of the app that a record calls `name`.
    pub(super) fn instance(&self, name: &str, wanted: &Wanted, address: &str) -> Instance {
        Instance::new(self.id(name, wanted), address)
    }

    /// The beginning of the keys, without slashes at its end.
    pub(super) fn root<'a>(&'a self, usual: &'a str) -> &'a str {
        self.root.as_deref().unwrap_or(usual).trim_end_matches('/')
    }
}

/// The stores of keys and values in which ecosystems differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum StoreKind {
    /// Keys and values on leases.
    #[default]
    Etcd,
    /// Nodes in folders, in sessions.
    ZooKeeper,
}
