//! What the templates may say.
//!
//! In: a [`Project`]. Out: a [`View`]: flat, every word decided. Templates choose nothing but whether there is a store.

use std::path::Path;

use serde::Serialize;

use super::{Project, manifest};
use crate::names;

/// The port of a new service, from its name, so that services made one after the other run side by side: 9000 to 9998, and
/// even, because what is for operators listens at the next one.
fn port(app: &str) -> u32 {
    // FNV-1a, for spread alone.
    let mix = |mixed: u32, byte| (mixed ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    9000 + app.bytes().fold(0x811c_9dc5, mix) % 500 * 2
}

/// What calls the service from another terminal.
const CALL: &str = "cargo run --example call";

/// The words of the templates, with those of `shop.order.orders` as examples.
#[derive(Debug, Serialize)]
pub(super) struct View {
    /// `shop.order.orders`
    app: String,
    /// `orders`
    crate_name: String,
    /// `shop.order`
    domain: String,
    /// `shop.orders.v1`
    package: String,
    /// `shop/orders/v1`
    package_dir: String,
    /// `proto/shop/orders/v1/orders.proto`
    proto_path: String,
    /// `shop::orders::v1`
    module: String,
    /// `Orders`
    service: String,
    /// `ORDERS`
    descriptor: String,
    /// `OrdersService`
    handler: String,
    /// `order`
    noun: String,
    /// `Order`
    entity: String,
    /// `OrdersError`
    errors: String,
    /// `ORDERS_ERROR`
    errors_prefix: String,
    /// `ORDER_NOT_FOUND`
    reason_not_found: String,
    /// `OrderNotFound`
    variant_not_found: String,
    /// `ORDER_ID_MISSING`
    reason_id_missing: String,
    /// `OrderIdMissing`
    variant_id_missing: String,
    /// `127.0.0.1:9684`
    address: String,
    /// `127.0.0.1:9685`
    operators: String,
    /// `etcd`, `ZooKeeper`; empty if nothing has to run for the registry.
    store: &'static str,
    /// `127.0.0.1:2379`
    endpoint: &'static str,
    /// `jovian keys`
    keys: &'static str,
    /// `docker compose exec etcd etcdctl get --prefix ''`
    look: &'static str,
    /// `"jupiter", "dubbo-tri"`
    layouts: String,
    /// `jupiter,dubbo-tri`
    layout_names: String,
    /// Whether there are callers who hear of a service that leaves after seconds.
    are_callers_late: bool,
    /// `cargo run --example call`
    call: String,
    /// `finds it, and calls it`
    calls: &'static str,
    /// `2024`
    edition: String,
    /// `1.88`
    rust_version: String,
    /// `1.0.104`
    anyhow_version: String,
    /// `1.54.1`
    tokio_version: String,
    /// `"macros", "rt-multi-thread"`
    tokio_features: &'static str,
    /// `{ path = "vendor/jovian-runtime" }`
    runtime_dependency: String,
    /// `A copy of it lies in vendor/.`
    runtime_note: &'static str,
}

impl View {
    /// The words for a project in the folder `dir`.
    pub(super) fn new(project: &Project, dir: &Path) -> Self {
        let Project { name, runtime, registry } = project;
        let package = name.package();
        let service = names::type_name(name.crate_name());
        let errors = format!("{service}Error");
        let entity = names::type_name(name.noun());
        let reason = |what: &str| format!("{}_{what}", names::constant(&entity));
        let port = port(&name.app());
        let (reason_not_found, reason_id_missing) = (reason("NOT_FOUND"), reason("ID_MISSING"));
        let address = format!("127.0.0.1:{port}");
        let store = registry.store();
        let quoted: Vec<String> = registry.layouts().iter().map(|layout| format!("\"{layout}\"")).collect();
        Self {
            store: store.map_or("", |store| store.title),
            endpoint: store.map_or("", |store| store.endpoint),
            keys: store.map_or("", |store| store.keys),
            look: store.map_or("", |store| store.look),
            layouts: quoted.join(", "),
            layout_names: registry.layouts().join(","),
            are_callers_late: registry.layouts().contains(&"kitex"),
            call: match registry.is_shared() {
                true => CALL.to_owned(),
                false => format!("{CALL} -- http://{address}"),
            },
            calls: if registry.is_shared() { "finds it, and calls it" } else { "calls it" },
            address,
            operators: format!("127.0.0.1:{}", port + 1),
            app: name.app(),
            crate_name: name.crate_name().to_owned(),
            domain: name.domain(),
            package: package.join("."),
            package_dir: package.join("/"),
            proto_path: format!("proto/{}/{}.proto", package.join("/"), name.crate_name()),
            module: package.iter().map(|part| names::module(part)).collect::<Vec<_>>().join("::"),
            handler: format!("{service}Service"),
            noun: name.noun().to_owned(),
            entity,
            errors_prefix: names::constant(&errors),
            variant_not_found: names::variant(&errors, &reason_not_found),
            variant_id_missing: names::variant(&errors, &reason_id_missing),
            errors,
            descriptor: names::constant(&service),
            service,
            reason_not_found,
            reason_id_missing,
            edition: manifest::property("edition"),
            rust_version: manifest::property("rust-version"),
            anyhow_version: manifest::version_of("anyhow"),
            tokio_version: manifest::version_of("tokio"),
            tokio_features: match store {
                Some(_) => r#""macros", "rt-multi-thread", "time""#,
                None => r#""macros", "rt-multi-thread""#,
            },
            runtime_dependency: runtime.dependency(dir, store.map(|_| registry.name())),
            runtime_note: runtime.note(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::port;

    #[test]
    fn ports_follow_from_names_and_leave_room_for_operators() {
        assert_eq!(port("shop.order.orders"), 9684);
        let ports =
            ["shop.order.orders", "shop.stock", "billing", "shop.order.order_lines", "a", "b"].map(port);
        let different: std::collections::BTreeSet<u32> = ports.into_iter().collect();
        assert_eq!(different.len(), ports.len());
        assert!(ports.iter().all(|port| port % 2 == 0 && (9000..9999).contains(port)), "{ports:?}");
    }
}
