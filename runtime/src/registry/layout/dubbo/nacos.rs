//! Dubbo by interface in Nacos: a service for each interface, group and version, and the parameters of the URL as metadata.

use std::collections::BTreeMap;

use super::url::Url;
use super::{
    FIELDS, Instance, Options, RELEASE, Unreadable, Wanted, interfaces, labels_into, parameters, path, tri,
};

/// `providers:shop.orders.v1.Orders:1.0.0:blue`, always with three colons.
fn name(interface: &str, version: &str, group: &str) -> String {
    format!("providers:{interface}:{version}:{group}")
}

/// The service and the metadata of each interface. Without `protocol`, Java loses all instances of the service.
pub(in crate::registry::layout) fn providers(
    options: &Options,
    instance: &Instance,
) -> Vec<(String, BTreeMap<String, String>)> {
    let mut providers = Vec::new();
    for service in &instance.services {
        for interface in interfaces(options, service) {
            let mut metadata = parameters(options, instance, service, interface, RELEASE);
            let fixed = [("category", "providers"), ("path", &path(service)), ("protocol", "tri")];
            metadata.extend(fixed.map(|(name, value)| (name.to_owned(), value.to_owned())));
            labels_into(&mut metadata, instance, FIELDS);
            providers.push((name(interface, &service.version, &service.group), metadata));
        }
    }
    providers
}

/// The services in which what is wanted may be.
pub(in crate::registry::layout) fn nacos_services(wanted: &Wanted) -> Vec<String> {
    let interfaces = [&wanted.java, &wanted.name].into_iter().filter(|interface| !interface.is_empty());
    let mut services: Vec<String> =
        interfaces.map(|interface| name(interface, &wanted.version, &wanted.group)).collect();
    services.dedup();
    services
}

/// The instance of a record.
pub(in crate::registry::layout) fn nacos_provider(
    options: &Options,
    wanted: &Wanted,
    key: &str,
    address: &str,
    metadata: &BTreeMap<String, String>,
) -> Result<Option<Instance>, Unreadable> {
    let mut parameters = metadata.clone();
    let scheme = parameters.remove("protocol").unwrap_or_default();
    // dubbo-go writes a slash before it.
    let path = parameters.remove("path").unwrap_or_default().trim_start_matches('/').to_owned();
    let interface = parameters.get("interface").cloned();
    let interface = interface.unwrap_or_else(|| wanted.java.clone());
    tri(options, wanted, key, &interface, Url { scheme, address: address.to_owned(), path, parameters })
}
