//! Which layout a record is of, by its key and value alone: for tools that look at a store without looking for anything.
//!
//! In: a record. Out: the layout as it is used there, and what somebody would have to want who would find the record.

use std::sync::Arc;

use serde_json::Value;

use super::dubbo::{self, decoded};
use super::{Layout, Options, StoreKind, by_name, host_and_port};
use crate::registry::Wanted;

/// A record whose layout is known.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Recognized {
    /// The layout, with the options that the key tells of. It may still be unable to [read](Layout::read_among) the record.
    pub layout: Arc<dyn Layout>,
    /// What the key tells of the options: `root`, if it is not the usual one, and Jupiter's
    /// [`mode`](Options::mode).
    pub options: Options,
    /// What is to be looked for so that the record is found, in whichever group and version it is.
    pub wanted: Wanted,
    /// The name that its readers know it by: an app, or an interface of Dubbo.
    pub name: String,
}

impl Recognized {
    fn new(layout: &str, options: Options, name: &str, wanted: Wanted) -> Option<Self> {
        let wanted = Wanted { group: "*".to_owned(), version: "*".to_owned(), ..wanted };
        let layout = by_name(layout, &options).ok()?;
        Some(Self { layout, options, wanted, name: name.to_owned() })
    }

    fn app(layout: &str, options: Options, app: &str) -> Option<Self> {
        Self::new(layout, options, app, Wanted::app(app))
    }
}

/// The layout of a record, known by the place of its key, or by the form of its value where that is a place of somebody's own
/// choice; `None` if it is of no layout.
///
/// A record beside instances, as a mapping of Dubbo or a governor of Jupiter, is recognized as well; reading it gives no
/// instance.
#[must_use]
pub fn recognize(store: StoreKind, key: &str, value: &str) -> Option<Recognized> {
    let options = Options::of(store);
    let by_key = jupiter(&options, key)
        .or_else(|| provider(&options, key))
        .or_else(|| app(&options, key, value))
        .or_else(|| usual(&options, key));
    by_key.or_else(|| of_value(&options, key, value))
}

/// `grpc:orders:v1:live/10.0.0.7:9000`, and what stands beside it.
fn jupiter(options: &Options, key: &str) -> Option<Recognized> {
    if let Some(job) = key.strip_prefix("/prometheus/job/") {
        let (app, _) = job.split_once('/')?;
        return Recognized::app("jupiter", options.clone(), app);
    }
    let (scheme, rest) = key.split_once(':')?;
    let (app, rest) = rest.split_once(":v1:")?;
    let (mode, _) = rest.split_once('/')?;
    let options = Options { mode: mode.to_owned(), ..options.clone() };
    ["grpc", "govern", "http"].contains(&scheme).then(|| Recognized::app("jupiter", options, app))?
}

/// `/dubbo/com.example.Orders/providers/tri%3A%2F%2F..`
fn provider(options: &Options, key: &str) -> Option<Recognized> {
    let (folder, _) = key.strip_prefix('/')?.split_once("/providers/")?;
    let (root, interface) = folder.rsplit_once('/')?;
    let interface = decoded(interface)?;
    let wanted = |java: &str, legacy: &str| Wanted {
        java: java.to_owned(),
        legacy: legacy.to_owned(),
        ..Wanted::default()
    };
    let options = with_root(options, root, dubbo::ROOT);
    if interface.contains("Grpc$I") {
        return Recognized::new("dubbo-grpc", options, &interface, wanted("", &interface));
    }
    Recognized::new("dubbo-tri", options, &interface, wanted(&interface, ""))
}

/// An instance of Dubbo by application, what its app serves, or the mapping of an interface.
fn app(options: &Options, key: &str, value: &str) -> Option<Recognized> {
    let value = || serde_json::from_str::<Value>(value).ok();
    let parts: Vec<&str> = key.strip_prefix('/')?.split('/').collect();
    match *parts.as_slice() {
        ["services", app, _] => Recognized::app("dubbo-app", options.clone(), app),
        [root, "mapping", interface] => {
            let options = with_root(options, root, dubbo::ROOT);
            let wanted = Wanted { java: interface.to_owned(), ..Wanted::default() };
            Recognized::new("dubbo-app", options, interface, wanted)
        }
        [root, "metadata", app, revision] if !revision.is_empty() => {
            Recognized::app("dubbo-app", with_root(options, root, dubbo::ROOT), app)
        }
        [root, app, _] => {
            let value = value()?;
            let is_instance = value.get("payload").is_some() || value.get("ServiceName").is_some();
            let is_said = value.get("services").is_some() && value.get("revision").is_some();
            (is_instance || is_said)
                .then(|| Recognized::app("dubbo-app", with_root(options, root, dubbo::ROOT), app))?
        }
        _ => None,
    }
}

/// Records of Kratos and Kitex below their usual roots, whatever stands in them.
fn usual(options: &Options, key: &str) -> Option<Recognized> {
    let below = |root: &str| {
        let (app, rest) = key.strip_prefix(root)?.split_once('/')?;
        (!app.is_empty() && !rest.is_empty()).then_some(app)
    };
    let kratos = below("/microservices/").and_then(|app| Recognized::app("kratos", options.clone(), app));
    let kitex = || Recognized::app("kitex", options.clone(), below("kitex/registry-etcd/")?);
    kratos.or_else(kitex)
}

/// Records of Kratos and Kitex below roots of somebody's choice, and of go-zero, whose keys have none.
fn of_value(options: &Options, key: &str, value: &str) -> Option<Recognized> {
    let (folder, last) = key.rsplit_once('/')?;
    if host_and_port(value).is_some() {
        return Recognized::app("go-zero", options.clone(), folder).filter(|_| !folder.is_empty());
    }
    let value = serde_json::from_str::<Value>(value).ok()?;
    let (root, app) = folder.rsplit_once('/')?;
    let of = |layout| {
        let options = Options { root: Some(root.to_owned()), ..options.clone() };
        Recognized::app(layout, options, app)
    };
    if value.get("endpoints").is_some_and(Value::is_array) && value.get("name")?.as_str()? == app {
        return of("kratos");
    }
    let address = value.get("address").and_then(Value::as_str);
    (value.get("network").is_some() && address == Some(last)).then(|| of("kitex"))?
}

fn with_root(options: &Options, root: &str, usual: &str) -> Options {
    let root = Some(root.to_owned()).filter(|root| root != usual);
    Options { root, ..options.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recognized(key: &str, value: &str) -> Option<(&'static str, String, Option<String>, String)> {
        let found = recognize(StoreKind::Etcd, key, value)?;
        Some((found.layout.name(), found.name, found.options.root, found.options.mode))
    }

    #[test]
    fn roots_and_modes_are_told_from_the_key() {
        let usual = "unknown-mode";
        let kratos = r#"{"name":"orders","endpoints":["grpc://10.0.0.7:9000"]}"#;
        let kitex = r#"{"network":"tcp","address":"10.0.0.7:9000","weight":10,"tags":null}"#;
        let curator = r#"{"address":"10.0.0.7","port":9000,"payload":{"metadata":{}}}"#;
        for (key, value, layout, name, root, mode) in [
            ("grpc:orders:v1:live/10.0.0.7:9000", "", "jupiter", "orders", None, "live"),
            ("govern:orders:v1:live/10.0.0.7:9001", "", "jupiter", "orders", None, "live"),
            ("/prometheus/job/orders/web-1", "10.0.0.7:9001", "jupiter", "orders", None, usual),
            ("/dubbo/a.B/providers/tri%3A%2F%2F10.0.0.7%3A1", "", "dubbo-tri", "a.B", None, usual),
            ("/fleet/a.B/providers/x", "", "dubbo-tri", "a.B", Some("fleet"), usual),
            ("/dubbo/a.DubboBGrpc%24IB/providers/x", "", "dubbo-grpc", "a.DubboBGrpc$IB", None, usual),
            ("/services/orders/10.0.0.7:9000", "garbage", "dubbo-app", "orders", None, usual),
            ("/fleet/orders/10.0.0.7:9000", curator, "dubbo-app", "orders", Some("fleet"), usual),
            ("/dubbo/mapping/a.B", "orders", "dubbo-app", "a.B", None, usual),
            ("/dubbo/metadata/orders/0a", "{}", "dubbo-app", "orders", None, usual),
            ("/microservices/orders/1", "garbage", "kratos", "orders", None, usual),
            ("/fleet/orders/1", kratos, "kratos", "orders", Some("/fleet"), usual),
            ("kitex/registry-etcd/orders/10.0.0.7:9000", "garbage", "kitex", "orders", None, usual),
            ("fleet/orders/10.0.0.7:9000", kitex, "kitex", "orders", Some("fleet"), usual),
            ("orders.rpc/7587", "10.0.0.7:9000", "go-zero", "orders.rpc", None, usual),
        ] {
            let expected = (layout, name.to_owned(), root.map(str::to_owned), mode.to_owned());
            assert_eq!(recognized(key, value), Some(expected), "{key}");
        }
    }

    #[test]
    fn other_keys_are_of_no_layout() {
        for (key, value) in [
            ("", ""),
            ("/dubbo", ""),
            ("/dubbo/a.B/consumers/consumer%3A%2F%2F10.0.0.7", ""),
            ("/dubbo/config/dubbo/a.B.condition-router", "key: a.B"),
            ("orders.rpc", "10.0.0.7:9000"),
            ("/orders", "10.0.0.7:9000"),
            ("settings/orders", r#"{"timeout":1}"#),
            ("grpc:orders:live/10.0.0.7:9000", "{}"),
        ] {
            assert_eq!(recognized(key, value), None, "{key}");
        }
    }
}
