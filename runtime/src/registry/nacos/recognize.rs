//! Which layout a record in Nacos is of, by its key and value alone, and what it leads to: for tools that look at a store without
//! looking for anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::NacosOptions;
use super::keys::{Key, Keys, MAPPING};
use crate::registry::Wanted;
use crate::registry::layout::{Layout, Nacos, NacosForm, Options, Recognized, UnknownLayout};

/// How services of Dubbo by interface begin: `providers:shop.orders.v1.Orders:1.0.0:blue`.
const PROVIDERS: &str = "providers:";

fn keys(form: NacosForm) -> Keys {
    Keys {
        layout: Nacos { form, options: Options::default() },
        cluster: NacosOptions::DEFAULT_CLUSTER.to_owned(),
    }
}

/// A layout of Nacos as one of keys and values.
pub(in crate::registry) fn layout(name: &str) -> Result<Arc<dyn Layout>, UnknownLayout> {
    let Nacos { form, .. } = Nacos::by_name(name, &Options::default())?;
    Ok(Arc::new(keys(form)))
}

/// The layout of a record; `None` if it is of no layout.
pub(in crate::registry) fn recognize(key: &str, value: &str) -> Option<Recognized> {
    let of = |form, wanted, name: &str| {
        let (layout, options, name) = (Arc::new(keys(form)), Options::default(), name.to_owned());
        Some(Recognized { layout, options, wanted, name })
    };
    let any = |wanted| Wanted { group: "*".to_owned(), version: "*".to_owned(), ..wanted };
    let java = |interface: &str| Wanted { java: interface.to_owned(), ..Wanted::default() };
    match Key::read(key)? {
        Key::Instance { address, .. } if address.is_empty() => None,
        Key::Instance { service, .. } => {
            if let Some(name) = service.strip_prefix(PROVIDERS) {
                let mut parts = name.splitn(3, ':');
                let (interface, version, group) = (parts.next()?, parts.next()?, parts.next()?);
                let (version, group) = (version.to_owned(), group.to_owned());
                return of(NacosForm::DubboTri, Wanted { version, group, ..java(interface) }, interface);
            }
            if keys(NacosForm::DubboApp).leads_to(&Wanted::default(), key, value).is_empty() {
                let app = service.strip_suffix(".grpc")?;
                return of(NacosForm::Kratos, Wanted::app(app), app);
            }
            of(NacosForm::DubboApp, any(Wanted::app(service.as_str())), &service)
        }
        Key::Text { group, data_id } if group == MAPPING => {
            of(NacosForm::DubboApp, any(java(&data_id)), &data_id)
        }
        Key::Text { data_id, .. } => of(NacosForm::DubboApp, any(Wanted::app(data_id.as_str())), &data_id),
    }
}

/// The texts that a record leads to: an instance to what its app serves, an interface to its mapping.
pub(super) fn leads_to(key: &str, value: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Said {
        services: BTreeMap<String, Service>,
    }
    #[derive(Deserialize)]
    struct Service {
        name: String,
    }
    let mapping = |interface: &str| Key::text(MAPPING, interface).to_string();
    match Key::read(key) {
        Some(Key::Instance { service, .. }) => match service.strip_prefix(PROVIDERS) {
            Some(name) => name.split(':').next().map(mapping).into_iter().collect(),
            None => keys(NacosForm::DubboApp).leads_to(&Wanted::default(), key, value),
        },
        Some(Key::Text { group, .. }) if group != MAPPING => {
            let said = serde_json::from_str(value).unwrap_or(Said { services: BTreeMap::new() });
            said.services.values().map(|service| mapping(&service.name)).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: &str = r#"{"ip":"10.0.0.7","port":9000,"metadata":{"dubbo.metadata.revision":"0a"}}"#;

    #[test]
    fn layouts_are_told_from_keys_and_values() {
        let host = r#"{"ip":"10.0.0.7","port":9000,"metadata":{"protocol":"tri"}}"#;
        for (key, value, expected) in [
            ("instances/providers:a.B::/10.0.0.7:9000", host, Some(("dubbo-tri", "a.B", ""))),
            ("instances/providers:a.B:1.0.0:blue/10.0.0.7:9000", host, Some(("dubbo-tri", "a.B", "blue"))),
            ("instances/orders/10.0.0.7:9000", APP, Some(("dubbo-app", "orders", "*"))),
            ("instances/orders.grpc/10.0.0.7:9000", host, Some(("kratos", "orders", ""))),
            ("texts/mapping/a.B", "orders", Some(("dubbo-app", "a.B", "*"))),
            ("texts/0a/orders", "{}", Some(("dubbo-app", "orders", "*"))),
            ("instances/orders.http/10.0.0.7:9000", host, None),
            ("instances/providers:a.B:1.0.0/10.0.0.7:9000", host, None),
            ("instances/orders/", APP, None),
            ("elsewhere/a/b", "", None),
        ] {
            let found = recognize(key, value);
            let found =
                found.as_ref().map(|it| (it.layout.name(), it.name.as_str(), it.wanted.group.as_str()));
            assert_eq!(found, expected, "{key}");
        }
    }

    #[test]
    fn instances_lead_to_texts_and_these_to_mappings() {
        assert_eq!(leads_to("instances/orders/10.0.0.7:9000", APP), ["texts/0a/orders"]);
        let said = r#"{"services":{"a.B:tri":{"name":"a.B"},"a.C:tri":{"name":"a.C"}}}"#;
        assert_eq!(leads_to("texts/0a/orders", said), ["texts/mapping/a.B", "texts/mapping/a.C"]);
        assert_eq!(leads_to("instances/providers:a.B::/10.0.0.7:9000", "{}"), ["texts/mapping/a.B"]);
        for (key, value) in
            [("texts/mapping/a.B", "orders"), ("texts/0a/orders", "garbage"), ("instances/a.grpc/1", "")]
        {
            assert!(leads_to(key, value).is_empty(), "{key}");
        }
    }
}
