//! Jupiter (Douyu), since 0.7.1: `grpc:{app}:v1:{mode}/{host:port}`, the same for the port of operators, and what
//! Prometheus is told of it. Formats: `pkg/server/server.go`, `pkg/registry/update.go`, `pkg/registry/etcdv3/registry.go`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::labels::{self, Field};
use super::{
    Entry, Instance, Layout, Options, Unreadable, Wanted, child, folder_of, host_and_port, is_to_be_found,
    json,
};

/// Jupiter's keys. Its clients look at the key alone, and drop a record whose numbers are no numbers.
#[derive(Clone, Debug, Default)]
pub struct Jupiter(pub Options);

/// The fields that stand among the strings of `metadata`; the others have places of their own.
const FIELDS: &[(Field, &str)] = &[(Field::Version, "appVersion")];
/// What Jupiter always writes there: when it was built and began, and by which Jupiter.
const TIMES: [&str; 3] = ["buildTime", "jupiterVersion", "startTime"];
/// The release whose bytes these are.
const RELEASE: &str = "v0.11.13";
/// What Jupiter writes for a zone that nobody named.
const NO_ZONE: &str = "unknown";

impl Jupiter {
    /// `grpc:shop.order.orders:v1:live/`
    fn folder(&self, scheme: &str, app: &str) -> String {
        format!("{scheme}:{}:v1:{}/", self.0.app(app), self.0.mode)
    }

    fn entry(&self, instance: &Instance, scheme: &'static str, kind: u8, address: &str) -> Entry {
        let mut metadata = labels::of(instance, FIELDS);
        metadata.entry("appVersion".to_owned()).or_default();
        metadata.insert("buildTime".to_owned(), String::new());
        metadata.insert("jupiterVersion".to_owned(), RELEASE.to_owned());
        metadata.insert("startTime".to_owned(), time(instance.started));
        let zone = if instance.zone.is_empty() { NO_ZONE } else { &instance.zone };
        let update = Written {
            op: 0,
            addr: address,
            metadata: WrittenInfo {
                name: self.0.app(&instance.app),
                app_id: "",
                scheme,
                address,
                weight: instance.weight,
                enable: true,
                healthy: true,
                metadata,
                region: "",
                zone,
                kind,
                version: "v1",
                mode: &self.0.mode,
                hostname: &instance.host,
                deployment: "",
                group: &instance.colour,
            },
        };
        let key = format!("{}{address}", self.folder(scheme, &instance.app));
        Entry::leased(key, json(&update))
    }
}

impl Layout for Jupiter {
    fn name(&self) -> &'static str {
        "jupiter"
    }

    fn write(&self, instance: &Instance) -> Vec<Entry> {
        let mut entries = Vec::new();
        if is_to_be_found(instance) {
            entries.push(self.entry(instance, "grpc", 1, &instance.address));
        }
        if !instance.governor.is_empty() {
            entries.push(self.entry(instance, "govern", 2, &instance.governor));
            if !instance.host.is_empty() {
                let key = format!("/prometheus/job/{}/{}", self.0.app(&instance.app), instance.host);
                entries.push(Entry::leased(key, instance.governor.clone()));
            }
        }
        entries
    }

    fn places(&self, wanted: &Wanted) -> Vec<String> {
        folder_of(wanted, |app| self.folder("grpc", app))
    }

    fn read(&self, wanted: &Wanted, key: &str, value: &str) -> Result<Option<Instance>, Unreadable> {
        let Some(address) = child(key, &self.folder("grpc", &wanted.app)) else { return Ok(None) };
        if host_and_port(address).is_none() {
            return Err(Unreadable::new(key, "no host and port stand at its end"));
        }
        let read: Read = serde_json::from_str(value).map_err(|error| Unreadable::new(key, error))?;
        if read.op.unwrap_or_default() != 0 {
            return Ok(None);
        }
        let mut instance = Instance::new(wanted.app.clone(), address);
        let Some(info) = read.new.or(read.old) else { return Ok(Some(instance)) };
        let mut metadata = info.metadata.unwrap_or_default();
        // The time is that of a clock on a wall nobody knows where.
        metadata.retain(|name, _| !TIMES.contains(&name.as_str()));
        labels::put(&mut instance, metadata, FIELDS);
        instance.weight = whole(info.weight);
        instance.enabled = info.enable.unwrap_or(true) && info.healthy.unwrap_or(true);
        instance.zone = info.zone.filter(|zone| zone != NO_ZONE).unwrap_or_default();
        instance.host = info.hostname.unwrap_or_default();
        instance.colour = info.group.unwrap_or_default();
        Ok(Some(instance))
    }
}

/// A weight as Jupiter writes it, which is any number.
fn whole(weight: Option<f64>) -> u32 {
    let weight = weight.unwrap_or_else(|| f64::from(Instance::DEFAULT_WEIGHT)).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it ends at the borders")]
    let weight = weight as u32;
    weight
}

/// `2026-07-29 17:25:08`, by the time of UTC.
fn time(milliseconds: u64) -> String {
    let seconds = i64::try_from(milliseconds / 1000).unwrap_or_default();
    if seconds == 0 {
        return String::new();
    }
    let text = prost_types::Timestamp { seconds, nanos: 0 }.to_string();
    text.trim_end_matches('Z').replace('T', " ")
}

#[derive(Serialize)]
struct Written<'a> {
    #[serde(rename = "Op")]
    op: u8,
    #[serde(rename = "Addr")]
    addr: &'a str,
    #[serde(rename = "MetadataX")]
    metadata: WrittenInfo<'a>,
}

/// In the order of Jupiter's fields.
#[derive(Serialize)]
struct WrittenInfo<'a> {
    name: &'a str,
    #[serde(rename = "appId")]
    app_id: &'a str,
    scheme: &'a str,
    address: &'a str,
    weight: u32,
    enable: bool,
    healthy: bool,
    metadata: BTreeMap<String, String>,
    region: &'a str,
    zone: &'a str,
    kind: u8,
    version: &'a str,
    mode: &'a str,
    hostname: &'a str,
    deployment: &'a str,
    group: &'a str,
}

/// Anything may be missing or null, names may have any case, and the details are under one of two names.
#[derive(Deserialize)]
#[serde(expecting = "an object with `Op` and `Addr`")]
struct Read {
    #[serde(rename = "Op", alias = "op")]
    op: Option<i64>,
    #[serde(rename = "MetadataX", alias = "metadataX", alias = "metadatax")]
    new: Option<ReadInfo>,
    #[serde(rename = "Metadata", alias = "metadata")]
    old: Option<ReadInfo>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct ReadInfo {
    weight: Option<f64>,
    enable: Option<bool>,
    healthy: Option<bool>,
    metadata: Option<BTreeMap<String, String>>,
    zone: Option<String>,
    hostname: Option<String>,
    group: Option<String>,
}
