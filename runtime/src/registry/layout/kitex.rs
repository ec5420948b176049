//! Kitex (CloudWeGo) in etcd: `kitex/registry-etcd/{service}/{host:port}`. Format: `kitex-contrib/registry-etcd`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::labels::{self, Field};
use super::{
    Entry, Instance, Layout, Options, Unreadable, Wanted, folder_of, host_and_port, is_to_be_found, json,
};

/// Kitex's keys.
#[derive(Clone, Debug, Default)]
pub struct Kitex(pub Options);

/// The fields that stand among the tags. Kitex has its own place for a weight, in tenths of ours.
const FIELDS: &[(Field, &str)] = &[
    (Field::Weight, "weight"),
    (Field::Zone, "zone"),
    (Field::Version, "version"),
    (Field::Colour, "colour"),
    (Field::Started, "started"),
];
/// The weight of Kitex that nobody chose is 10.
const TENTH: u32 = 10;

impl Kitex {
    /// `kitex/registry-etcd/shop.order.orders/`
    fn folder(&self, app: &str) -> String {
        format!("{}/{}/", self.0.root("kitex/registry-etcd"), self.0.app(app))
    }
}

impl Layout for Kitex {
    fn name(&self) -> &'static str {
        "kitex"
    }

    fn write(&self, instance: &Instance) -> Vec<Entry> {
        if !is_to_be_found(instance) {
            return Vec::new();
        }
        let tags = Some(labels::of(instance, FIELDS)).filter(|tags| !tags.is_empty());
        let weight = instance.weight.div_ceil(TENTH);
        let value = Written { network: "tcp", address: &instance.address, weight, tags };
        let key = format!("{}{}", self.folder(&instance.app), instance.address);
        vec![Entry::leased(key, json(&value))]
    }

    fn places(&self, wanted: &Wanted) -> Vec<String> {
        folder_of(wanted, |app| self.folder(app))
    }

    fn read(&self, wanted: &Wanted, key: &str, value: &str) -> Result<Option<Instance>, Unreadable> {
        if !key.starts_with(&self.folder(&wanted.app)) {
            return Ok(None);
        }
        let read: Read = serde_json::from_str(value).map_err(|error| Unreadable::new(key, error))?;
        if read.network.is_some_and(|network| !network.starts_with("tcp")) {
            return Ok(None);
        }
        let address = read.address.unwrap_or_default();
        if host_and_port(&address).is_none() {
            return Err(Unreadable::new(key, format!("`{address}` is no address")));
        }
        let mut instance = Instance::new(wanted.app.clone(), address);
        if let Some(weight) = read.weight.and_then(|weight| u32::try_from(weight).ok()).filter(|it| *it > 0) {
            instance.weight = weight.saturating_mul(TENTH);
        }
        labels::put(&mut instance, read.tags.unwrap_or_default(), FIELDS);
        Ok(Some(instance))
    }
}

#[derive(Serialize)]
struct Written<'a> {
    network: &'a str,
    address: &'a str,
    weight: u32,
    tags: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `network` and `address`")]
struct Read {
    network: Option<String>,
    address: Option<String>,
    weight: Option<i64>,
    tags: Option<BTreeMap<String, String>>,
}
