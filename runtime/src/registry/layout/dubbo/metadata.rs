//! What Dubbo 3 says of an app, apart from where it runs: its services by `MetadataInfo`, and the instance that names their
//! revision. Formats: `MetadataInfo.java`, `dubbo.metadata.*` of `ServiceInstanceMetadataUtils.java`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::names::matches;
use super::{
    FIELDS, Instance, OWN, Options, RELEASE, Wanted, called, host_and_port, interfaces, labels_into,
    parameters, path, settle,
};
use crate::registry::Provided;
use crate::registry::layout::{json, labels};

const ENDPOINTS: &str = "dubbo.endpoints";
const REVISION: &str = "dubbo.metadata.revision";
const TIMESTAMP: &str = "timestamp";

/// What is said of an app.
pub(in crate::registry::layout) struct Said {
    /// The hash of all else: consumers read a revision once.
    pub(in crate::registry::layout) revision: String,
    /// It all, as JSON.
    pub(in crate::registry::layout) text: String,
    /// The interfaces that are mapped to the app.
    pub(in crate::registry::layout) interfaces: Vec<String>,
}

/// What is said of the app of an instance. `name` is the interface and `path` the name in the IDL, as Java has it: another pair
/// makes Java consumers lose the instances of Java.
pub(in crate::registry::layout) fn of(options: &Options, instance: &Instance, port: u16) -> Said {
    let mut services = BTreeMap::new();
    let mut mapped = Vec::new();
    // When it began is a word on the instance: the revision is the same after every start.
    let fields: Vec<_> = FIELDS.iter().copied().filter(|(_, name)| *name != TIMESTAMP).collect();
    for service in &instance.services {
        for interface in interfaces(options, service) {
            let mut params = parameters(options, instance, service, interface, RELEASE);
            labels_into(&mut params, instance, &fields);
            let Provided { group, version, .. } = service;
            let front = if group.is_empty() { String::new() } else { format!("{group}/") };
            let back = if version.is_empty() { String::new() } else { format!(":{version}") };
            let said = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
            let info = Info {
                name: interface.to_owned(),
                group: said(group),
                version: said(version),
                protocol: "tri".to_owned(),
                port,
                path: path(service),
                params,
            };
            services.insert(format!("{front}{interface}{back}:tri"), info);
            mapped.push(interface.to_owned());
        }
    }
    mapped.sort_unstable();
    mapped.dedup();
    let app = options.app(&instance.app);
    let revision = hash(&json(&(app, &services)));
    let text = json(&Written { app, revision: &revision, services });
    Said { revision, text, interfaces: mapped }
}

/// What an instance says of itself, beside its address.
pub(in crate::registry::layout) fn labels(
    revision: &str,
    port: u16,
    started: u64,
) -> BTreeMap<&'static str, String> {
    let endpoints = json(&[Endpoint { port: Some(port), protocol: Some("tri".to_owned()) }]);
    BTreeMap::from([
        (ENDPOINTS, endpoints),
        (REVISION, revision.to_owned()),
        ("dubbo.metadata.storage-type", "remote".to_owned()),
        ("meta-v", "1.0.0".to_owned()),
        (TIMESTAMP, started.to_string()),
    ])
}

/// FNV-1a of 128 bits, as 32 digits. It says that two texts are the same, and is no secret.
fn hash(text: &str) -> String {
    let step = |hash: u128, byte: u8| (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
    format!("{:032x}", text.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, step))
}

/// An instance as somebody wrote it: Java and dubbo-go to ZooKeeper (Curator's names), or dubbo-go to etcd (Go's names).
#[derive(Deserialize)]
#[serde(expecting = "an object with `address` or `Host`")]
pub(in crate::registry::layout) struct Record {
    #[serde(alias = "Host")]
    address: Option<String>,
    #[serde(alias = "Port")]
    port: Option<u16>,
    payload: Option<RecordPayload>,
    #[serde(rename = "Metadata")]
    metadata: Option<BTreeMap<String, String>>,
    #[serde(rename = "Enable")]
    enable: Option<bool>,
    #[serde(rename = "Healthy")]
    healthy: Option<bool>,
}

#[derive(Default, Deserialize)]
struct RecordPayload {
    metadata: Option<BTreeMap<String, String>>,
}

impl Record {
    /// An instance of a registry that keeps these parts apart.
    pub(in crate::registry::layout) fn new(host: &str, port: u16, labels: &BTreeMap<String, String>) -> Self {
        Self {
            address: Some(host.to_owned()),
            port: Some(port),
            payload: None,
            metadata: Some(labels.clone()),
            enable: None,
            healthy: None,
        }
    }

    fn label(&self, name: &str) -> Option<&String> {
        let payload = self.payload.as_ref().and_then(|payload| payload.metadata.as_ref());
        payload.or(self.metadata.as_ref())?.get(name)
    }

    /// The revision of what is said of its app, if that says anything.
    pub(in crate::registry::layout) fn revision(&self) -> Option<String> {
        self.label(REVISION).filter(|revision| !revision.is_empty() && *revision != "0").cloned()
    }

    /// Where it speaks Triple; `None` if it does not.
    pub(in crate::registry::layout) fn address(&self) -> Result<Option<String>, String> {
        let port = match self.label(ENDPOINTS) {
            None => self.port,
            Some(text) => {
                let endpoints: Vec<Endpoint> =
                    serde_json::from_str(text).map_err(|error| format!("{ENDPOINTS}: {error}"))?;
                let Some(endpoint) =
                    endpoints.into_iter().find(|endpoint| endpoint.protocol.as_deref() == Some("tri"))
                else {
                    return Ok(None);
                };
                endpoint.port.or(self.port)
            }
        };
        let host = self.address.as_deref().unwrap_or_default();
        let host =
            if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
        let address = format!("{host}:{}", port.unwrap_or_default());
        match host_and_port(&address) {
            Some(_) => Ok(Some(address)),
            None => Err(format!("`{address}` is no address")),
        }
    }

    /// Tells the instance what this one knows.
    pub(in crate::registry::layout) fn tell(&self, instance: &mut Instance) {
        instance.enabled = self.enable.unwrap_or(true) && self.healthy.unwrap_or(true);
        instance.started = self.label(TIMESTAMP).and_then(|time| time.parse().ok()).unwrap_or_default();
    }
}

/// The services of an app that are wanted, each with what is said of the instances.
pub(in crate::registry::layout) fn services(
    wanted: &Wanted,
    text: &str,
) -> Result<Vec<(Provided, Labels)>, String> {
    let read: Read = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut services: BTreeMap<(String, String, String), (Provided, Labels)> = BTreeMap::new();
    for info in read.services.unwrap_or_default().into_values() {
        let interface = info.name.unwrap_or_default();
        let path = info.path.unwrap_or_default();
        let is_wanted = interface == wanted.name || interface == wanted.java;
        let is_any = wanted.name.is_empty() && wanted.java.is_empty();
        let is_tri = info.protocol.as_deref().is_none_or(|protocol| protocol == "tri");
        let mut params = info.params.unwrap_or_default();
        let mut service = Provided {
            name: if path.is_empty() { interface.clone() } else { path.clone() },
            java: interface.clone(),
            methods: super::names::proto_methods(params.get("methods").map_or("", String::as_str)),
            group: info.group.unwrap_or_default(),
            version: info.version.unwrap_or_default(),
            ..Provided::default()
        };
        if !is_tri || !(is_any || (is_wanted && matches(wanted, &service))) {
            continue;
        }
        if is_wanted {
            wanted.name.clone_into(&mut service.name);
            wanted.java.clone_into(&mut service.java);
            let path = called(&interface, &path, &service);
            if path != service.name {
                service.path = path.to_owned();
            }
        }
        settle(&mut params);
        params.retain(|name, _| !OWN.contains(&name.as_str()) && name != TIMESTAMP);
        let key = (service.name.clone(), service.group.clone(), service.version.clone());
        // Under its Java interface it says more than under the name in the IDL.
        let known = services.get(&key);
        if known.is_none_or(|(known, _)| known.java == known.name || !known.path.is_empty()) {
            services.insert(key, (service, params));
        }
    }
    Ok(services.into_values().collect())
}

/// What is said of instances.
pub(in crate::registry::layout) type Labels = BTreeMap<String, String>;

/// Gives the instance its services, and what they say of it; whether it has any that is wanted.
pub(in crate::registry::layout) fn fill(
    wanted: &Wanted,
    instance: &mut Instance,
    services: Vec<(Provided, Labels)>,
) -> bool {
    let is_any = wanted.name.is_empty() && wanted.java.is_empty();
    for (service, said) in services {
        let started = instance.started;
        labels::put(instance, said, FIELDS);
        instance.started = started;
        instance.services.push(service);
    }
    is_any || !instance.services.is_empty()
}

/// Nobody says what the app serves. If the mapping has it, the service is there, in whichever group and version.
pub(in crate::registry::layout) fn guess(wanted: &Wanted, instance: &mut Instance, is_mapped: bool) -> bool {
    if wanted.name.is_empty() && wanted.java.is_empty() {
        return true;
    }
    let service = Provided { java: wanted.java.clone(), ..Provided::named(wanted.name.clone()) };
    let is_there = is_mapped && matches(wanted, &service);
    instance.services.push(service);
    is_there
}

#[derive(Serialize)]
struct Written<'a> {
    app: &'a str,
    revision: &'a str,
    services: BTreeMap<String, Info>,
}

#[derive(Serialize)]
struct Info {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    protocol: String,
    port: u16,
    path: String,
    params: BTreeMap<String, String>,
}

#[derive(Deserialize, Serialize)]
struct Endpoint {
    port: Option<u16>,
    protocol: Option<String>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `services`")]
struct Read {
    services: Option<BTreeMap<String, ReadInfo>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `name` and `path`")]
struct ReadInfo {
    name: Option<String>,
    group: Option<String>,
    version: Option<String>,
    protocol: Option<String>,
    path: Option<String>,
    params: Option<BTreeMap<String, String>>,
}
