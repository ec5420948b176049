//! Dubbo 3 by application: an instance is a JSON object, what it serves stands beside it once for all that serve the same, and
//! a mapping says which apps serve an interface. Java writes it to ZooKeeper, dubbo-go to ZooKeeper and etcd.
//! Formats: `ZookeeperServiceDiscovery.java`, `ZookeeperInstance.java`, `registry/etcdv3/service_discovery.go`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::json;
use super::{
    Entry, Instance, Layout, Options, ROOT, StoreKind, Unreadable, Wanted, host_and_port, is_to_be_found,
    metadata, root,
};
use crate::registry::layout::Life;

/// Dubbo 3 by application, as a provider that keeps its metadata in the registry.
///
/// Java and dubbo-go look for that metadata in different places, so it is written to both.
#[derive(Clone, Debug, Default)]
pub struct DubboApp(pub Options);

/// Without this one, every Java consumer of any mapped service fails to start.
const CLASS: &str = "org.apache.dubbo.registry.zookeeper.ZookeeperInstance";

impl DubboApp {
    /// `/services/`; with a root of its own everything is below that one.
    fn services(&self) -> String {
        if self.has_usual_root() { "/services/".to_owned() } else { format!("{}/", root(&self.0)) }
    }

    fn has_usual_root(&self) -> bool {
        root(&self.0) == format!("/{ROOT}")
    }

    /// The app of an instance's key: `orders` of `/services/orders/10.0.0.7:9000`.
    fn app_of<'a>(&self, key: &'a str) -> Option<&'a str> {
        let (app, id) = key.strip_prefix(&self.services())?.split_once('/')?;
        (!id.is_empty() && !id.contains('/')).then_some(app)
    }

    fn mapping(&self, interface: &str) -> String {
        format!("{}/mapping/{interface}", root(&self.0))
    }

    /// Where the metadata of a revision stands: first for Java, then for dubbo-go. Below a root of its own the second place
    /// is among the instances, where it would be taken for one.
    fn metadata(&self, app: &str, revision: &str) -> Vec<String> {
        let root = root(&self.0);
        let mut keys = vec![format!("{root}/metadata/{app}/{revision}")];
        if self.has_usual_root() {
            keys.push(format!("{root}/{app}/{revision}"));
        }
        keys
    }

    fn mappings(&self, wanted: &Wanted) -> Vec<String> {
        let mut mappings: Vec<String> = [&wanted.java, &wanted.name]
            .into_iter()
            .filter(|interface| !interface.is_empty())
            .map(|interface| self.mapping(interface))
            .collect();
        mappings.dedup();
        mappings
    }
}

impl Layout for DubboApp {
    fn name(&self) -> &'static str {
        "dubbo-app"
    }

    fn write(&self, instance: &Instance) -> Vec<Entry> {
        let Some((host, port)) = host_and_port(&instance.address) else { return Vec::new() };
        if !is_to_be_found(instance) {
            return Vec::new();
        }
        let app = self.0.app(&instance.app);
        let said = metadata::of(&self.0, instance, port);
        let labels = metadata::labels(&said.revision, port, instance.started);
        let host = host.trim_matches(['[', ']']);
        let value = match self.0.store {
            StoreKind::ZooKeeper => json(&curator(app, host, port, instance, labels)),
            StoreKind::Etcd => json(&go(app, host, port, instance, labels)),
        };
        let kept = |key| Entry { key, value: said.text.clone(), life: Life::Kept };
        let mut entries: Vec<Entry> = self.metadata(app, &said.revision).into_iter().map(kept).collect();
        entries.push(Entry::leased(format!("{}{app}/{}", self.services(), instance.address), value));
        for interface in said.interfaces {
            let key = self.mapping(&interface);
            entries.push(Entry { key, value: app.to_owned(), life: Life::Shared });
        }
        entries
    }

    fn places(&self, wanted: &Wanted) -> Vec<String> {
        let mut places = self.mappings(wanted);
        if !wanted.app.is_empty() {
            places.push(format!("{}{}/", self.services(), self.0.app(&wanted.app)));
        }
        places
    }

    fn read(&self, wanted: &Wanted, key: &str, value: &str) -> Result<Option<Instance>, Unreadable> {
        self.read_among(wanted, key, value, &|_| None)
    }

    fn leads_to(&self, wanted: &Wanted, key: &str, value: &str) -> Vec<String> {
        if self.mappings(wanted).iter().any(|mapping| mapping == key) {
            return apps(value).map(|app| format!("{}{app}/", self.services())).collect();
        }
        let Some(app) = self.app_of(key) else { return Vec::new() };
        let Ok(record) = serde_json::from_str::<metadata::Record>(value) else { return Vec::new() };
        record.revision().map_or_else(Vec::new, |revision| self.metadata(app, &revision))
    }

    fn read_among<'a>(
        &self,
        wanted: &Wanted,
        key: &str,
        value: &str,
        others: &dyn Fn(&str) -> Option<&'a str>,
    ) -> Result<Option<Instance>, Unreadable> {
        let Some(app) = self.app_of(key) else { return Ok(None) };
        let mappings = self.mappings(wanted);
        let is_mapped = mappings
            .iter()
            .any(|key| others(key).is_some_and(|value| apps(value).any(|mapped| mapped == app)));
        if !is_mapped && app != self.0.app(&wanted.app) {
            return Ok(None);
        }
        let record: metadata::Record =
            serde_json::from_str(value).map_err(|error| Unreadable::new(key, error))?;
        let Some(address) = record.address().map_err(|why| Unreadable::new(key, why))? else {
            return Ok(None);
        };
        let revision = record.revision();
        let places = revision.map_or_else(Vec::new, |revision| self.metadata(app, &revision));
        let said = places.iter().find_map(|place| Some((place, others(place)?)));
        let mut instance = self.0.instance(app, wanted, &address);
        record.tell(&mut instance);
        match said {
            Some((place, said)) => {
                let services = metadata::services(wanted, said).map_err(|why| Unreadable::new(place, why))?;
                Ok(metadata::fill(wanted, &mut instance, services).then_some(instance))
            }
            None => Ok(metadata::guess(wanted, &mut instance, is_mapped).then_some(instance)),
        }
    }
}

/// The apps of a mapping: `java-orders,rust-orders`.
fn apps(mapping: &str) -> impl Iterator<Item = &str> {
    mapping.split(',').map(str::trim).filter(|app| !app.is_empty())
}

/// An instance as Curator, which Java uses, has it.
fn curator<'a>(
    app: &'a str,
    host: &'a str,
    port: u16,
    instance: &'a Instance,
    metadata: BTreeMap<&'static str, String>,
) -> Curator<'a> {
    let id = &instance.address;
    Curator {
        name: app,
        id,
        address: host,
        port,
        ssl_port: None,
        payload: Payload { class: CLASS, id, name: app, metadata },
        registration_time: instance.started,
        service_type: "DYNAMIC",
        uri_spec: None,
    }
}

/// An instance as dubbo-go has it in etcd.
fn go<'a>(
    app: &'a str,
    host: &'a str,
    port: u16,
    instance: &'a Instance,
    metadata: BTreeMap<&'static str, String>,
) -> Go<'a> {
    Go {
        id: &instance.address,
        service_name: app,
        host,
        port,
        weight: instance.weight,
        enable: true,
        healthy: true,
        metadata,
        address: "",
        group_name: "",
        tag: &instance.colour,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Curator<'a> {
    name: &'a str,
    id: &'a str,
    address: &'a str,
    port: u16,
    ssl_port: Option<u16>,
    payload: Payload<'a>,
    #[serde(rename = "registrationTimeUTC")]
    registration_time: u64,
    service_type: &'a str,
    uri_spec: Option<&'a str>,
}

#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "@class")]
    class: &'a str,
    id: &'a str,
    name: &'a str,
    metadata: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Go<'a> {
    #[serde(rename = "ID")]
    id: &'a str,
    service_name: &'a str,
    host: &'a str,
    port: u16,
    weight: u32,
    enable: bool,
    healthy: bool,
    metadata: BTreeMap<&'static str, String>,
    address: &'a str,
    group_name: &'a str,
    tag: &'a str,
}
