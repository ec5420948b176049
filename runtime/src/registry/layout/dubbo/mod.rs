//! Dubbo.
//!
//! In: the services of an instance. Out: a key for each of them, whose last segment is a URL; and back. ZooKeeper and etcd
//! have the same keys. Formats: `ZookeeperRegistry.java`, `EtcdRegistry.java`, `registry/base_registry.go` of dubbo-go.

use std::collections::BTreeMap;

use super::labels::{self, Field};
use super::{
    Entry, Instance, Layout, Options, StoreKind, Unreadable, Wanted, child, host_and_port, is_to_be_found,
};
use crate::descriptor::java_method;
use crate::registry::Provided;

mod app;
pub(super) mod metadata;
mod nacos;
mod names;
mod url;

pub use app::DubboApp;
pub use url::Url as DubboUrl;

pub(super) use nacos::{nacos_provider, nacos_services, providers};

use names::{matches, proto_methods};
use url::{Url, decode, encode};

/// The root of all keys, unless the registry has a `group`.
pub(super) const ROOT: &str = "dubbo";
/// Dubbo's protocol, and the releases whose bytes these are.
const PROTOCOL: &str = "2.0.2";
const RELEASE: &str = "3.3.6";
const OLD_RELEASE: &str = "2.7.23";
/// How releases of dubbo-go begin, which write seconds, and a weight of 0 for the usual one.
const GO: &str = "dubbo-golang";

/// The fields of an instance that are parameters.
const FIELDS: &[(Field, &str)] = &[
    (Field::Weight, "weight"),
    (Field::Zone, "zone"),
    (Field::Version, "application.version"),
    (Field::Colour, "dubbo.tag"),
    (Field::Started, "timestamp"),
];

/// Parameters that say nothing of an instance beyond the fields that it has for them. `cluster` is no part of a fleet here, but
/// what a caller does about failures.
const OWN: [&str; 19] = [
    "anyhost",
    "application",
    "background",
    "category",
    "cluster",
    "deprecated",
    "disabled",
    "dubbo",
    "dynamic",
    "enabled",
    "generic",
    "group",
    "host",
    "interface",
    "methods",
    "path",
    "pid",
    "side",
    "version",
];

/// Dubbo 3 by interface: the URL `tri://..` in `/dubbo/{interface}/providers/`.
///
/// A service is written under its Java interface, where Java looks for it, and under its name in the IDL, where dubbo-go does. The
/// path of the URL, which Java calls, is the name in the IDL in both.
#[derive(Clone, Debug, Default)]
pub struct DubboTri(pub Options);

/// The protocol `grpc` of Dubbo 2.7: the URL `grpc://..` under the interface inside of the class of stubs.
#[derive(Clone, Debug, Default)]
pub struct DubboGrpc(pub Options);

impl Layout for DubboTri {
    fn name(&self) -> &'static str {
        "dubbo-tri"
    }

    fn write(&self, instance: &Instance) -> Vec<Entry> {
        let mut entries = Vec::new();
        for service in &instance.services {
            for interface in interfaces(&self.0, service) {
                let mut parameters = parameters(&self.0, instance, service, interface, RELEASE);
                labels_into(&mut parameters, instance, FIELDS);
                let path = path(service);
                let url =
                    Url { scheme: "tri".to_owned(), address: instance.address.clone(), path, parameters };
                entries.extend(provider(&self.0, instance, interface, &url));
            }
        }
        entries
    }

    fn places(&self, wanted: &Wanted) -> Vec<String> {
        places(&self.0, &[&wanted.java, &wanted.name])
    }

    fn read(&self, wanted: &Wanted, key: &str, _: &str) -> Result<Option<Instance>, Unreadable> {
        let Some((interface, url)) = record(&self.0, key, &[&wanted.java, &wanted.name])? else {
            return Ok(None);
        };
        tri(&self.0, wanted, key, &interface, url)
    }
}

/// The instance of a URL of Dubbo 3 that was found under this interface.
fn tri(
    options: &Options,
    wanted: &Wanted,
    key: &str,
    interface: &str,
    url: Url,
) -> Result<Option<Instance>, Unreadable> {
    // Since 3.2 `grpc` is another name of `tri`.
    if !["tri", "grpc"].contains(&url.scheme.as_str()) {
        return Ok(None);
    }
    let mut service = service(&url);
    let path = called(interface, &url.path, &service);
    wanted.name.clone_into(&mut service.name);
    wanted.java.clone_into(&mut service.java);
    if wanted.name.is_empty() {
        path.clone_into(&mut service.name);
    } else if path != wanted.name {
        path.clone_into(&mut service.path);
    }
    instance(options, wanted, key, url, service)
}

/// What stands before the method in calls. Java looks at group and version only under the name of the interface: under the path it
/// serves whichever came first.
fn called<'a>(interface: &'a str, path: &'a str, service: &Provided) -> &'a str {
    let is_one_of_several = !(service.group.is_empty() && service.version.is_empty());
    if path.is_empty() || (is_one_of_several && !interface.is_empty()) { interface } else { path }
}

impl Layout for DubboGrpc {
    fn name(&self) -> &'static str {
        "dubbo-grpc"
    }

    fn write(&self, instance: &Instance) -> Vec<Entry> {
        let mut entries = Vec::new();
        for service in instance.services.iter().filter(|service| !service.legacy.is_empty()) {
            let mut parameters = parameters(&self.0, instance, service, &service.legacy, OLD_RELEASE);
            labels_into(&mut parameters, instance, FIELDS);
            let path = service.legacy.clone();
            let url = Url { scheme: "grpc".to_owned(), address: instance.address.clone(), path, parameters };
            entries.extend(provider(&self.0, instance, &service.legacy, &url));
        }
        entries
    }

    fn places(&self, wanted: &Wanted) -> Vec<String> {
        places(&self.0, &[&wanted.legacy])
    }

    fn read(&self, wanted: &Wanted, key: &str, _: &str) -> Result<Option<Instance>, Unreadable> {
        let Some((_, url)) = record(&self.0, key, &[&wanted.legacy])? else { return Ok(None) };
        let said = [url.parameter("interface"), &url.path];
        let said = said.into_iter().find(|said| !said.is_empty());
        if url.scheme != "grpc" || said != Some(&wanted.legacy) {
            return Ok(None);
        }
        // Stubs of grpc-java call the name in the IDL, whatever the URL says.
        let name = wanted.name.clone();
        let service = Provided { name, legacy: wanted.legacy.clone(), ..service(&url) };
        instance(&self.0, wanted, key, url, service)
    }
}

/// The names under which a service is written.
fn interfaces<'a>(options: &Options, service: &'a Provided) -> Vec<&'a str> {
    let mut names: Vec<&str> = vec![&service.java];
    if (options.both_names || service.java.is_empty()) && service.name != service.java {
        names.push(&service.name);
    }
    names.retain(|name| !name.is_empty());
    names
}

/// What stands before the method when the service is called.
fn path(service: &Provided) -> String {
    let paths = [&service.path, &service.name, &service.java];
    paths.into_iter().find(|path| !path.is_empty()).cloned().unwrap_or_default()
}

/// The parameters that stand for the service.
fn parameters(
    options: &Options,
    instance: &Instance,
    service: &Provided,
    interface: &str,
    release: &str,
) -> BTreeMap<String, String> {
    let mut methods: Vec<String> = service.methods.iter().map(|method| java_method(method)).collect();
    methods.sort_unstable();
    let parameters = [
        ("application", options.app(&instance.app)),
        ("deprecated", "false"),
        ("dubbo", PROTOCOL),
        ("dynamic", "true"),
        ("generic", "false"),
        ("group", &service.group),
        ("interface", interface),
        ("methods", &methods.join(",")),
        ("release", release),
        ("side", "provider"),
        ("version", &service.version),
    ];
    let parameters = parameters.into_iter().filter(|(_, value)| !value.is_empty());
    parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Adds what the instance says of itself, where every reader gets it back and the service has no word of its own.
fn labels_into(parameters: &mut BTreeMap<String, String>, instance: &Instance, fields: &[(Field, &str)]) {
    for (name, value) in labels::of(instance, fields) {
        let is_field = fields.iter().any(|(_, field)| *field == name);
        if is_field || (url::is_parameter(&name, &value) && !OWN.contains(&name.as_str())) {
            parameters.entry(name).or_insert(value);
        }
    }
}

/// `/dubbo`
fn root(options: &Options) -> String {
    format!("/{}", options.root(ROOT).trim_start_matches('/'))
}

/// `/dubbo/com.example.Orders/providers/`, for a name as it stands in keys.
fn folder(options: &Options, name: &str) -> String {
    format!("{}/{name}/providers/", root(options))
}

/// The names of folders of an interface. On etcd, consumers of dubbo-go look for a `$` that is not encoded.
fn folders(options: &Options, interface: &str) -> Vec<String> {
    let mut folders = vec![folder(options, &encode(interface))];
    if options.store == StoreKind::Etcd && interface.contains('$') {
        folders.push(folder(options, interface));
    }
    folders
}

/// The keys of a provider.
fn provider(options: &Options, instance: &Instance, interface: &str, url: &Url) -> Vec<Entry> {
    if !is_to_be_found(instance) {
        return Vec::new();
    }
    let segment = encode(&url.text());
    let entry = |folder| Entry::leased(format!("{folder}{segment}"), String::new());
    folders(options, interface).into_iter().map(entry).collect()
}

fn places(options: &Options, interfaces: &[&String]) -> Vec<String> {
    let mut places = Vec::new();
    for interface in interfaces.iter().filter(|interface| !interface.is_empty()) {
        for folder in folders(options, interface) {
            if !places.contains(&folder) {
                places.push(folder);
            }
        }
    }
    places
}

/// The interface under which a key stands, if it is one of these, and its URL.
fn record(options: &Options, key: &str, interfaces: &[&String]) -> Result<Option<(String, Url)>, Unreadable> {
    let below = key.strip_prefix(&root(options)).and_then(|rest| rest.strip_prefix('/'));
    let Some((interface, rest)) = below.and_then(|below| below.split_once('/')) else {
        return Ok(None);
    };
    let Some(segment) = child(rest, "providers/") else { return Ok(None) };
    let Ok(interface) = decode(interface) else { return Ok(None) };
    if !interfaces.contains(&&interface) {
        return Ok(None);
    }
    let url = Url::read(segment).map_err(|why| Unreadable::new(key, why))?;
    Ok(Some((interface, url)))
}

/// The text that a segment of a key stands for, if it is UTF-8.
pub(super) fn decoded(segment: &str) -> Option<String> {
    decode(segment).ok()
}

/// What a URL says of its service.
fn service(url: &Url) -> Provided {
    Provided {
        methods: proto_methods(url.parameter("methods")),
        group: url.parameter("group").to_owned(),
        version: url.parameter("version").to_owned(),
        ..Provided::default()
    }
}

/// The instance of a URL, if its service is one that is wanted.
fn instance(
    options: &Options,
    wanted: &Wanted,
    key: &str,
    mut url: Url,
    service: Provided,
) -> Result<Option<Instance>, Unreadable> {
    let category = url.parameter("category");
    if !(category.is_empty() || category == "providers") || !matches(wanted, &service) {
        return Ok(None);
    }
    let Some((host, port)) = url.address.rsplit_once(':') else {
        return Err(Unreadable::new(key, "no port stands in it"));
    };
    // Java writes hosts of IPv6 as they are.
    let is_bare = host.contains(':') && !host.starts_with('[');
    let address = if is_bare { format!("[{host}]:{port}") } else { url.address.clone() };
    if host_and_port(&address).is_none() {
        return Err(Unreadable::new(key, format!("`{address}` is no address")));
    }
    let mut instance = options.instance(url.parameter("application"), wanted, &address);
    instance.enabled = url.parameter("enabled") != "false" && url.parameter("disabled") != "true";
    instance.services.push(service);
    settle(&mut url.parameters);
    url.parameters.retain(|name, _| !OWN.contains(&name.as_str()));
    labels::put(&mut instance, url.parameters, FIELDS);
    Ok(Some(instance))
}

/// Turns what dubbo-go says into what Java would say.
fn settle(parameters: &mut BTreeMap<String, String>) {
    if !parameters.get("release").is_some_and(|release| release.starts_with(GO)) {
        return;
    }
    if parameters.get("weight").is_some_and(|weight| weight == "0") {
        parameters.remove("weight");
    }
    if let Some(time) = parameters.get_mut("timestamp")
        && time.len() <= 10
    {
        time.push_str("000");
    }
}
