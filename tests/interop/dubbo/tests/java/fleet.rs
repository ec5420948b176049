//! Apps in Rust beside the programs in Java: where they are registered, and who they find.

use std::sync::Arc;
use std::time::Duration;

use jovian_runtime::registry::layout::{Layout, Options, StoreKind, by_name};
use jovian_runtime::registry::{EtcdOptions, EtcdRegistry, Registry, ZooKeeperOptions, ZooKeeperRegistry};
use jovian_runtime::{App, AppConfig};
use jovian_tests_interop_dubbo::{plain, split};

use crate::etcd::Etcd;
use crate::greeter::Greeting;

/// How long records stay when their process has died.
pub(crate) const TTL: Duration = Duration::from_secs(10);

/// A Greeter that signs so.
pub(crate) fn greeting(server: &str) -> Greeting {
    Greeting { server: server.to_owned() }
}

/// An app on a free port, which is registered nowhere.
pub(crate) fn app() -> App {
    App::new(config())
}

/// A free port, and no other.
pub(crate) fn config() -> AppConfig {
    let mut config = AppConfig::default();
    config.server.address = "127.0.0.1:0".to_owned();
    config.server.stop_wait_ms = 0;
    config.governor.enabled = false;
    config
}

/// Both Greeters are the app `name`.
pub(crate) fn options(name: &str) -> Options {
    let mut options = Options::default();
    options.names =
        [plain::GREETER.app, split::GREETER.app].map(|app| (app.to_owned(), name.to_owned())).into();
    options
}

/// These layouts, in which both Greeters are the app `name`.
pub(crate) fn layouts(store: StoreKind, names: &[&str], name: &str) -> Vec<Arc<dyn Layout>> {
    let mut options = options(name);
    options.store = store;
    options.mode = "dev".to_owned();
    names.iter().map(|layout| by_name(layout, &options).unwrap()).collect()
}

/// The etcd, as an app called `name` sees it.
pub(crate) fn in_etcd(store: &Etcd, names: &[&str], name: &str) -> Arc<dyn Registry> {
    let layouts = layouts(StoreKind::Etcd, names, name);
    Arc::new(EtcdRegistry::new(EtcdOptions::at(store.endpoints(), layouts).ttl(TTL)))
}

/// The ZooKeeper there, as an app called `name` sees it.
pub(crate) fn in_zookeeper(endpoint: &str, names: &[&str], name: &str) -> Arc<dyn Registry> {
    let layouts = layouts(StoreKind::ZooKeeper, names, name);
    Arc::new(ZooKeeperRegistry::new(ZooKeeperOptions::at([endpoint], layouts).ttl(TTL)))
}
