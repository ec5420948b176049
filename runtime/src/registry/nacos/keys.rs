//! Instances and texts of Nacos as keys and values, so that they are kept and followed like those of any store.
//!
//! In: what a layout writes into Nacos, and what stands there. Out: `instances/{service}/{host}:{port}` with the JSON of the
//! instance, and `texts/{group}/{name}` with the text.

use std::fmt;

use super::wire::Host;
use crate::registry::layout::{
    Entry, Layout, Life, Nacos, NacosForm, NacosInstance, Unreadable, segment, unsegment,
};
use crate::registry::{Instance, Wanted};

/// What a key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// An instance, or all of a service if there is no address.
    Instance {
        service: String,
        address: String,
    },
    Text {
        group: String,
        data_id: String,
    },
}

impl Key {
    pub(super) fn read(key: &str) -> Option<Self> {
        let mut parts = key.splitn(3, '/');
        let (kind, first, second) = (parts.next()?, unsegment(parts.next()?), unsegment(parts.next()?));
        match kind {
            "instances" => Some(Self::Instance { service: first, address: second }),
            "texts" => Some(Self::Text { group: first, data_id: second }),
            _ => None,
        }
    }

    pub(super) fn instance(service: &str, ip: &str, port: u16) -> Self {
        Self::Instance { service: service.to_owned(), address: format!("{ip}:{port}") }
    }

    pub(super) fn service(service: &str) -> Self {
        Self::Instance { service: service.to_owned(), address: String::new() }
    }

    pub(super) fn text(group: &str, data_id: &str) -> Self {
        Self::Text { group: group.to_owned(), data_id: data_id.to_owned() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance { service, address } => {
                write!(f, "instances/{}/{}", segment(service), segment(address))
            }
            Self::Text { group, data_id } => write!(f, "texts/{}/{}", segment(group), segment(data_id)),
        }
    }
}

/// The group of the texts that say which apps serve an interface.
pub(super) const MAPPING: &str = "mapping";

/// A layout of Nacos as one of keys and values.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) layout: Nacos,
    /// The cluster that instances are registered in.
    pub(super) cluster: String,
}

impl Keys {
    fn is_by_app(&self) -> bool {
        self.layout.form == NacosForm::DubboApp
    }

    /// The texts that map what is wanted to apps.
    fn mappings(&self, wanted: &Wanted) -> Vec<String> {
        if !self.is_by_app() {
            return Vec::new();
        }
        let interfaces = [&wanted.java, &wanted.name].into_iter().filter(|interface| !interface.is_empty());
        let mut mappings: Vec<String> =
            interfaces.map(|interface| Key::text(MAPPING, interface).to_string()).collect();
        mappings.dedup();
        mappings
    }
}

impl Layout for Keys {
    fn name(&self) -> &'static str {
        self.layout.name()
    }

    fn write(&self, instance: &Instance) -> Vec<Entry> {
        let texts = self.layout.configs(instance).into_iter().map(|config| Entry {
            key: Key::text(&config.group, &config.data_id).to_string(),
            value: config.content,
            life: config.life,
        });
        let (kept, shared): (Vec<Entry>, Vec<Entry>) = texts.partition(|text| text.life == Life::Kept);
        let instances = self.layout.write(instance).into_iter().map(|instance| {
            let key = Key::instance(&instance.service, &instance.ip, instance.port).to_string();
            // Numbers, strings and a map under names that are strings: there is nothing that JSON cannot say.
            let value = serde_json::to_string(&Host::new(instance, &self.cluster)).unwrap_or_default();
            Entry { key, value, life: Life::Leased }
        });
        // Who finds an instance looks for its text.
        kept.into_iter().chain(instances).chain(shared).collect()
    }

    fn places(&self, wanted: &Wanted) -> Vec<String> {
        let services = self.layout.services(wanted).into_iter().filter(|service| !service.is_empty());
        self.mappings(wanted)
            .into_iter()
            .chain(services.map(|service| Key::service(&service).to_string()))
            .collect()
    }

    fn read(&self, wanted: &Wanted, key: &str, value: &str) -> Result<Option<Instance>, Unreadable> {
        self.read_among(wanted, key, value, &|_| None)
    }

    fn leads_to(&self, wanted: &Wanted, key: &str, value: &str) -> Vec<String> {
        match Key::read(key) {
            Some(Key::Instance { service, .. }) => {
                let revision =
                    instance(key, &service, value).ok().and_then(|found| self.layout.revision(&found));
                revision.map(|revision| Key::text(&revision, &service).to_string()).into_iter().collect()
            }
            Some(Key::Text { .. }) if self.mappings(wanted).iter().any(|mapping| mapping == key) => {
                apps(value).map(|app| Key::service(app).to_string()).collect()
            }
            _ => Vec::new(),
        }
    }

    fn read_among<'a>(
        &self,
        wanted: &Wanted,
        key: &str,
        value: &str,
        others: &dyn Fn(&str) -> Option<&'a str>,
    ) -> Result<Option<Instance>, Unreadable> {
        let Some(Key::Instance { service, .. }) = Key::read(key) else { return Ok(None) };
        if self.is_by_app() && !self.layout.services(wanted).contains(&service) {
            let is_of =
                |mapping: &String| others(mapping).is_some_and(|value| apps(value).any(|app| app == service));
            if !self.mappings(wanted).iter().any(is_of) {
                return Ok(None);
            }
        }
        let found = instance(key, &service, value)?;
        let said = self.layout.revision(&found).map(|revision| Key::text(&revision, &service).to_string());
        self.layout.read(wanted, &found, said.and_then(|said| others(&said)))
    }
}

/// The apps of a mapping: `java-orders,rust-orders`.
fn apps(mapping: &str) -> impl Iterator<Item = &str> {
    mapping.split(',').map(str::trim).filter(|app| !app.is_empty())
}

fn instance(key: &str, service: &str, value: &str) -> Result<NacosInstance, Unreadable> {
    let host: Host = serde_json::from_str(value)
        .map_err(|error| Unreadable { key: key.to_owned(), why: error.to_string() })?;
    Ok(host.of(service))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Provided;
    use crate::registry::layout::Options;

    const APP: &str = "shop.order.orders";

    fn keys(name: &str) -> Keys {
        let layout = Nacos::by_name(name, &Options::default()).unwrap();
        Keys { layout, cluster: "DEFAULT".to_owned() }
    }

    fn wanted() -> Wanted {
        let mut wanted = Wanted::app(APP);
        "shop.orders.v1.Orders".clone_into(&mut wanted.name);
        "com.example.shop.Orders".clone_into(&mut wanted.java);
        wanted
    }

    fn served() -> Instance {
        let orders = Provided::declared("shop.orders.v1.Orders", "com.example.shop.Orders", ["GetOrder"]);
        Instance { services: vec![orders], ..Instance::new(APP, "10.0.0.7:9000") }
    }

    #[test]
    fn a_key_comes_back() {
        for key in [
            Key::instance("providers:a.B:1.0:blue/green", "fe80::1%eth0", 9000),
            Key::service("a/b%"),
            Key::text("mapping", "com.example.shop.Orders"),
        ] {
            assert_eq!(Key::read(&key.to_string()), Some(key));
        }
        assert_eq!(Key::service("a").to_string(), "instances/a/");
        assert_eq!(Key::read("elsewhere/a/b"), None);
    }

    #[test]
    fn what_is_written_is_found_in_its_places() {
        for name in ["dubbo-tri", "dubbo-app", "kratos"] {
            let (keys, wanted) = (keys(name), wanted());
            let places = keys.places(&wanted);
            let entries = keys.write(&served());
            let found = entries.iter().filter(|entry| entry.life == Life::Leased).find_map(|entry| {
                assert!(places.iter().any(|place| entry.key.starts_with(place)), "{name}: {}", entry.key);
                keys.read(&wanted, &entry.key, &entry.value).unwrap()
            });
            let found = found.unwrap();
            assert_eq!((found.address.as_str(), found.enabled), ("10.0.0.7:9000", true), "{name}");
        }
    }

    #[test]
    fn a_mapping_leads_to_apps_and_they_to_what_they_serve() {
        let (keys, wanted) = (keys("dubbo-app"), wanted());
        let other = Instance { app: "java-orders".to_owned(), ..served() };
        let entries = keys.write(&other);
        let [said, instance, mapping, ..] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!((said.life, instance.life, mapping.life), (Life::Kept, Life::Leased, Life::Shared));
        assert!(keys.places(&wanted).contains(&mapping.key));
        assert_eq!(
            keys.leads_to(&wanted, &mapping.key, "java-orders, more"),
            ["instances/java-orders/", "instances/more/"]
        );
        assert_eq!(keys.leads_to(&wanted, &instance.key, &instance.value), [said.key.as_str()]);
        assert!(keys.leads_to(&wanted, &said.key, &said.value).is_empty());

        let read = |mapped: &'static str| {
            let others = |key: &str| match key {
                key if key == mapping.key => Some(mapped),
                key if key == said.key => Some(said.value.as_str()),
                _ => None,
            };
            keys.read_among(&wanted, &instance.key, &instance.value, &others).unwrap()
        };
        let found = read("java-orders").unwrap();
        assert_eq!(
            (found.app.as_str(), found.services[0].java.as_str()),
            ("java-orders", "com.example.shop.Orders")
        );
        assert!(read("somebody-else").is_none());
        assert!(keys.read(&wanted, &instance.key, "{").is_ok_and(|found| found.is_none()));
    }

    #[test]
    fn a_record_that_is_none_says_where_it_stands() {
        let wrong =
            keys("kratos").read(&wanted(), "instances/shop.order.orders.grpc/10.0.0.7:1", "{}").unwrap_err();
        assert_eq!(wrong.key, "instances/shop.order.orders.grpc/10.0.0.7:1");
    }
}
