//! The layouts of a store, whether it has keys or knows instances by itself.
//!
//! In: a store, names of layouts. Out: what is written of an instance, under the keys by which Jovian knows it where the store
//! has none.

use std::sync::Arc;

use jovian_runtime::registry::Instance;
use jovian_runtime::registry::layout::{
    Discovery, Entry, Layout, Life, Nacos, Options, UnknownLayout, all, by_name,
};
use jovian_runtime::registry::raw::layout_in_nacos;

use crate::cli::place::Place;

/// One layout of a store.
pub(super) enum Spoken {
    Keys(Arc<dyn Layout>),
    Discovery(Discovery),
}

impl Spoken {
    /// The layouts of these names, or all that a store has if there are no names.
    pub(super) fn of(place: Place, names: &[String], options: &Options) -> Result<Vec<Self>, UnknownLayout> {
        let named = |all: &[&str]| match names {
            [] => all.iter().map(|&name| name.to_owned()).collect(),
            names => names.to_vec(),
        };
        match place {
            Place::Etcd | Place::ZooKeeper if names.is_empty() => {
                Ok(all(options).into_iter().map(Self::Keys).collect())
            }
            Place::Etcd | Place::ZooKeeper => {
                names.iter().map(|name| by_name(name, options).map(Self::Keys)).collect()
            }
            Place::Nacos => {
                let names: Vec<String> = named(&Nacos::NAMES);
                names.iter().map(|name| layout_in_nacos(name).map(Self::Keys)).collect()
            }
            Place::Discovery => {
                let names: Vec<String> = named(&[Discovery::NAME]);
                names.iter().map(|name| Discovery::by_name(name, options).map(Self::Discovery)).collect()
            }
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Keys(layout) => layout.name(),
            Self::Discovery(_) => Discovery::NAME,
        }
    }

    /// Everything that is written of an instance, in this order.
    pub(super) fn write(&self, instance: &Instance) -> Vec<Entry> {
        match self {
            Self::Keys(layout) => layout.write(instance),
            Self::Discovery(layout) => {
                let written = layout.write(instance);
                let key = format!("{}/{}/{}", written.appid, written.zone, written.hostname);
                vec![Entry { key, value: json(&written), life: Life::Leased }]
            }
        }
    }
}

fn json(value: &impl serde::Serialize) -> String {
    // Numbers, strings and maps under names that are strings: there is nothing that JSON cannot say.
    serde_json::to_string(value).unwrap_or_default()
}
