//! What the templates may say.
//!
//! In: a [`Name`], where the runtime is. Out: a [`View`]: flat, every word decided. Templates choose nothing.

use std::path::Path;

use serde::Serialize;

use super::manifest;
use super::name::Name;
use super::runtime::RuntimeSource;
use crate::names;

/// The port of a new service, from its name, so that services made one after the other run side by side: 9000 to 9998, and
/// even, because what is for operators listens at the next one.
fn port(app: &str) -> u32 {
    // FNV-1a, for spread alone.
    let mix = |mixed: u32, byte| (mixed ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    9000 + app.bytes().fold(0x811c_9dc5, mix) % 500 * 2
}

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
    /// `2024`
    edition: String,
    /// `1.88`
    rust_version: String,
    /// `1.0.104`
    anyhow_version: String,
    /// `1.54.1`
    tokio_version: String,
    /// `{ path = "vendor/jovian-runtime" }`
    runtime_dependency: String,
    /// `A copy of it lies in vendor/.`
    runtime_note: &'static str,
}

impl View {
    /// The words for a project in the folder `project`.
    pub(super) fn new(name: &Name, runtime: &RuntimeSource, project: &Path) -> Self {
        let package = name.package();
        let service = names::type_name(name.crate_name());
        let errors = format!("{service}Error");
        let entity = names::type_name(name.noun());
        let reason = |what: &str| format!("{}_{what}", names::constant(&entity));
        let port = port(&name.app());
        let (reason_not_found, reason_id_missing) = (reason("NOT_FOUND"), reason("ID_MISSING"));
        Self {
            address: format!("127.0.0.1:{port}"),
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
            service,
            reason_not_found,
            reason_id_missing,
            edition: manifest::property("edition"),
            rust_version: manifest::property("rust-version"),
            anyhow_version: manifest::version_of("anyhow"),
            tokio_version: manifest::version_of("tokio"),
            runtime_dependency: runtime.dependency(project),
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
