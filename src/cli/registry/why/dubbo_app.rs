//! Consumers on Dubbo 3 by application: a mapping leads from the interface to apps, an app to its instances, an instance to what
//! its app serves.
//!
//! In: who looks for what, and the records. Out: which providers are found so, and why not the others. What they read was seen
//! in Dubbo 3.3.6 and dubbo-go 3.3.2.

use jovian_runtime::registry::Wanted;
use jovian_runtime::registry::layout::Layout;
use jovian_runtime::registry::raw::RawRecords;
use serde_json::Value;

use super::asked::{Asked, Consumer};
use super::dubbo::{SAME_GROUP, other_group};
use super::reason::{Cause, Findings};
use super::shape::{self, Field, Shape, field, text};
use crate::cli::place::Place;
use crate::cli::registry::decode::Decoded;

const REGISTER_AGAIN: &str = "write what `jovian keys --layout dubbo-app` shows";
const REVISION: &str = "dubbo.metadata.revision";
const STORAGE: &str = "dubbo.metadata.storage-type";
const URL: &str = "dubbo.metadata-service.url-params";

/// Finds providers by application.
pub(super) fn by_application(
    asked: &Asked,
    records: &RawRecords,
    decoded: &[Decoded],
    findings: &mut Findings,
) {
    let (Some(layout), Some((mapping, wanted))) = (asked.layout("dubbo-app"), asked.mapping()) else {
        return;
    };
    let apps = records.get(&mapping).map_or("", |record| &*record.value);
    let folders = layout.leads_to(&wanted, &mapping, apps);
    let is_mapped = |record: &Decoded| folders.iter().any(|folder| record.key.starts_with(folder));
    let instances = decoded.iter().filter(|record| {
        let is_instance = record.found.as_ref().is_some_and(|found| found.layout == "dubbo-app");
        // In Nacos one without a revision looks like nobody's.
        let is_listed = asked.place == Place::Nacos && is_mapped(record);
        is_listed || is_instance && (asked.concerns(record) || is_mapped(record))
    });
    let instances: Vec<&Decoded> = instances.collect();
    let spoilt = Spoilt::of(asked, &folders, &instances);
    for record in instances {
        let is_mapped = is_mapped(record);
        if !is_mapped && record.found.as_ref().is_some_and(|found| found.root != asked.options.root) {
            continue;
        }
        if let Some(Spoilt { key, code, reason, .. }) = spoilt.iter().find(|spoilt| spoilt.concerns(record)) {
            let last = record.key.rsplit('/').next().unwrap_or_default();
            let address = record.instance().map_or(last, |instance| &instance.address);
            findings.of(address, *code, key, reason.clone(), REGISTER_AGAIN);
        } else if is_mapped {
            instance(asked, &*layout, records, record, findings);
        } else {
            let address = record.instance().map_or("", |instance| instance.address.as_str());
            let reason = format!(
                "its app is not in the mapping of `{}`, so nobody looks for its instances",
                asked.interface()
            );
            findings.of(
                address,
                Cause::MappingMissing,
                &mapping,
                reason,
                "add the app to the value of that key, behind a comma",
            );
        }
    }
}

/// `curator_discovery.ServiceInstance`, as which dubbo-go reads what stands in ZooKeeper.
const CURATOR: &[Field] = &[
    ("name", Shape::Text),
    ("id", Shape::Text),
    ("address", Shape::Text),
    ("port", Shape::Whole),
    ("registrationTimeUTC", Shape::Whole),
    ("tag", Shape::Text),
];

/// An instance in ZooKeeper that costs dubbo-go others as well.
struct Spoilt<'a> {
    key: &'a str,
    code: Cause,
    reason: String,
    /// How the keys of those begin that are lost with it.
    below: &'a str,
}

impl<'a> Spoilt<'a> {
    /// Those among the instances of these folders.
    fn of(asked: &Asked, folders: &'a [String], instances: &[&'a Decoded]) -> Vec<Self> {
        if (asked.consumer, asked.place) != (Consumer::DubboGo, Place::ZooKeeper) {
            return Vec::new();
        }
        let of = |record: &&'a Decoded| {
            let below = folders.iter().find(|folder| record.key.starts_with(*folder))?;
            Self::read(&record.key, &record.record.value, below)
        };
        let mut all: Vec<Self> = instances.iter().filter_map(of).collect();
        // What ends a consumer concerns all that it looks for.
        all.sort_by_key(|spoilt| spoilt.below.len());
        all
    }

    fn read(key: &'a str, value: &str, folder: &'a str) -> Option<Self> {
        let value = match shape::read(value, CURATOR) {
            Ok(value) => value,
            Err(why) => {
                let reason = format!(
                    "dubbo-go reads all instances of an app together, and finds none of them as soon as it cannot read one: {why}"
                );
                return Some(Self { key, code: shape::cause(value), reason, below: folder });
            }
        };
        let labels = value.get("payload").and_then(|payload| payload.get("metadata"));
        let reason = "it has no `payload` with `metadata`, and every consumer of its app on dubbo-go ends when it reads that";
        let ends = || Self { key, code: Cause::ValueType, reason: reason.to_owned(), below: "" };
        (!labels.is_some_and(Value::is_object)).then(ends)
    }

    fn concerns(&self, record: &Decoded) -> bool {
        record.key.starts_with(self.below)
    }
}

/// One instance of an app that is mapped.
fn instance(
    asked: &Asked,
    layout: &dyn Layout,
    records: &RawRecords,
    record: &Decoded,
    findings: &mut Findings,
) {
    let key = &record.key;
    let is_java = asked.consumer == Consumer::DubboJava;
    let Ok(value) = serde_json::from_str::<Value>(&record.record.value) else {
        let harm =
            if is_java { ", and with it every consumer of its app in Java fails to start" } else { "" };
        return findings.all(Cause::Unreadable, key, format!("its value is no JSON{harm}"), REGISTER_AGAIN);
    };
    let address = record.instance().map_or_else(|| address_of(&value), |instance| instance.address.clone());
    let mut tell =
        |code, key: &str, reason: String, help: &str| findings.of(&address, code, key, reason, help);
    let payload = field(&value, "payload");
    if asked.is_etcd() && field(&value, "Host").is_none() {
        let reason =
            "it has the form of Java, and dubbo-go reads `Host`, `Port` and `Metadata` in etcd".to_owned();
        return tell(Cause::ValueType, key, reason, REGISTER_AGAIN);
    }
    if is_java
        && asked.place == Place::ZooKeeper
        && payload.and_then(|payload| payload.get("@class")).is_none()
    {
        let reason = "it has no `@class`, and with it every consumer of its app in Java fails to start";
        return findings.all(Cause::Class, key, reason.to_owned(), REGISTER_AGAIN);
    }
    let labels = payload.and_then(|payload| field(payload, "metadata")).or_else(|| field(&value, "Metadata"));
    let label = |name: &str| labels.map_or("", |labels| text(labels, name));
    let revision = label(REVISION);
    if revision.is_empty() || revision == "0" {
        let reason = format!("it names no revision (`{REVISION}`), so it is passed over");
        return tell(Cause::MetadataMissing, key, reason, REGISTER_AGAIN);
    }
    if label(STORAGE) != "remote" {
        if label(URL).is_empty() {
            let says = match label(STORAGE) {
                "" => "is missing".to_owned(),
                storage => format!("is `{storage}`"),
            };
            let reason = format!(
                "`{STORAGE}` {says}, so the provider is asked what it serves, and it does not say where"
            );
            return tell(
                Cause::StorageType,
                key,
                reason,
                "write `remote` there, and what the app serves into the registry",
            );
        }
        return findings.see(&address, key);
    }
    // First where Java looks, then where dubbo-go does.
    let places = layout.leads_to(&Wanted::default(), key, &record.record.value);
    let place = if is_java { places.first() } else { places.last() };
    let Some(place) = place else { return };
    let said = records.get(place).and_then(|said| serde_json::from_str::<Value>(&said.value).ok());
    let Some(said) = said else {
        let name = asked.consumer.name();
        let reason =
            format!("{name} looks there for what its app serves, and finds nothing that it can read");
        return tell(Cause::MetadataMissing, place, reason, REGISTER_AGAIN);
    };
    match served(asked, &said) {
        Ok(()) => findings.see(&address, key),
        Err((code, reason)) => {
            let help = match code {
                Cause::GroupVersion => SAME_GROUP,
                Cause::Path => "write the layout `dubbo-tri` as well: by interface Java finds it",
                _ => REGISTER_AGAIN,
            };
            tell(code, place, reason, help);
        }
    }
}

/// `10.0.0.7:9000`, as Curator, Go or Nacos has it.
fn address_of(value: &Value) -> String {
    let hosts = ["address", "Host", "ip"].map(|name| text(value, name));
    let host = hosts.into_iter().find(|host| !host.is_empty());
    let port = field(value, "port").and_then(Value::as_u64).unwrap_or_default();
    format!("{}:{port}", host.unwrap_or_default())
}

/// Whether an app says that it serves the service so that the consumer finds it.
fn served(asked: &Asked, said: &Value) -> Result<(), (Cause, String)> {
    let interface = asked.interface();
    let services = field(said, "services").and_then(Value::as_object);
    let of_name: Vec<&Value> = services
        .into_iter()
        .flat_map(serde_json::Map::values)
        .filter(|service| text(service, "name") == interface)
        .collect();
    let Some(first) = of_name.first() else {
        return Err((Cause::OtherName, format!("it does not say that its app serves `{interface}`")));
    };
    let other = |service: &Value| other_group(asked, text(service, "group"), text(service, "version"));
    let Some(service) = of_name.iter().find(|service| other(service).is_none()) else {
        return Err((Cause::GroupVersion, other(first).unwrap_or_default()));
    };
    if text(service, "protocol") != "tri" {
        let reason = format!("it says that the protocol is `{}`", text(service, "protocol"));
        return Err((Cause::Protocol, reason));
    }
    // apache/dubbo#15365: addresses are kept by the path, and looked for by the interface.
    let path = text(service, "path");
    if asked.consumer == Consumer::DubboJava && path != interface {
        let reason = format!(
            "its path is `{path}`, and Java finds by application what has the path `{interface}` alone (dubbo#15365)"
        );
        return Err((Cause::Path, reason));
    }
    Ok(())
}
