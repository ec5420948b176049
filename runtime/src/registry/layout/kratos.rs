//! Kratos, versions 2 and 3, in etcd and ZooKeeper: `/microservices/{name}/{id}`. Format: `registry/registry.go` and the
//! registries of `contrib/registry`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::labels::{self, Field};
use super::{
    Entry, Instance, Layout, Options, Unreadable, Wanted, folder_of, host_and_port, is_to_be_found, json,
    segment,
};

/// Kratos' keys. One record with a value that is no string makes a whole service unreadable for it.
#[derive(Clone, Debug, Default)]
pub struct Kratos(pub Options);

/// The fields that stand among the metadata.
pub(super) const FIELDS: &[(Field, &str)] = &[
    (Field::Weight, "weight"),
    (Field::Zone, "zone"),
    (Field::Colour, "colour"),
    (Field::Started, "started"),
];

impl Kratos {
    /// `/microservices/shop.order.orders/`
    fn folder(&self, app: &str) -> String {
        format!("{}/{}/", self.0.root("/microservices"), self.0.app(app))
    }
}

impl Layout for Kratos {
    fn name(&self) -> &'static str {
        "kratos"
    }

    fn write(&self, instance: &Instance) -> Vec<Entry> {
        if !is_to_be_found(instance) {
            return Vec::new();
        }
        let value = Written {
            id: &instance.id,
            name: self.0.app(&instance.app),
            version: &instance.version,
            metadata: labels::of(instance, FIELDS),
            endpoints: [format!("grpc://{}", instance.address)],
        };
        let key = format!("{}{}", self.folder(&instance.app), segment(&instance.id));
        vec![Entry::leased(key, json(&value))]
    }

    fn places(&self, wanted: &Wanted) -> Vec<String> {
        folder_of(wanted, |app| self.folder(app))
    }

    fn read(&self, wanted: &Wanted, key: &str, value: &str) -> Result<Option<Instance>, Unreadable> {
        let Some(id) = key.strip_prefix(&self.folder(&wanted.app)).filter(|id| !id.is_empty()) else {
            return Ok(None);
        };
        let read: Read = serde_json::from_str(value).map_err(|error| Unreadable::new(key, error))?;
        if read.name.as_deref() != Some(self.0.app(&wanted.app)) {
            return Ok(None);
        }
        let endpoints = read.endpoints.unwrap_or_default();
        let Some(address) = grpc(endpoints.iter().map(String::as_str)) else { return Ok(None) };
        if host_and_port(address).is_none() {
            return Err(Unreadable::new(key, format!("`{address}` is no address")));
        }
        let mut instance = Instance::new(wanted.app.clone(), address);
        instance.id = read.id.filter(|id| !id.is_empty()).unwrap_or_else(|| id.to_owned());
        instance.version = read.version.unwrap_or_default();
        let metadata = read.metadata.unwrap_or_default();
        let metadata = metadata.into_iter().filter_map(|(name, value)| Some((name, text(value)?))).collect();
        labels::put(&mut instance, metadata, FIELDS);
        Ok(Some(instance))
    }
}

/// The address of the endpoint that speaks gRPC: of `grpc://10.0.0.7:9000?isSecure=false`. Kratos goes by the scheme alone.
pub(super) fn grpc<'a>(endpoints: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let of = |scheme: &'static str| endpoints.clone().find_map(move |endpoint| endpoint.strip_prefix(scheme));
    let rest = of("grpc://").or_else(|| of("grpcs://"))?;
    rest.split(['/', '?']).next()
}

/// A value that ought to have been a string.
fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(bool) => Some(bool.to_string()),
        _ => None,
    }
}

/// In the order of Kratos' fields.
#[derive(Serialize)]
struct Written<'a> {
    id: &'a str,
    name: &'a str,
    version: &'a str,
    metadata: BTreeMap<String, String>,
    endpoints: [String; 1],
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `name` and `endpoints`")]
struct Read {
    id: Option<String>,
    name: Option<String>,
    version: Option<String>,
    metadata: Option<BTreeMap<String, Value>>,
    endpoints: Option<Vec<String>>,
}
