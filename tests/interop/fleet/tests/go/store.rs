//! The stores that programs look into, written and read by hand as well.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use jovian_runtime::etcd_api::etcdserverpb::{DeleteRangeRequest, KvClient, PutRequest, RangeRequest};
use jovian_runtime::registry::layout::{Layout, Options, StoreKind, by_name};
use jovian_runtime::registry::{EtcdOptions, EtcdRegistry, Registry, ZooKeeperOptions, ZooKeeperRegistry};

use crate::etcd::{self, Etcd};
use crate::programs::is_required;
use crate::zookeeper::{Shell, ZooKeeper};

/// How long records stay when their process has died.
const TTL: Duration = Duration::from_secs(10);
/// All that anybody writes below in a ZooKeeper.
const FOLDERS: [&str; 4] = ["/dubbo", "/services", "/fleet", "/microservices"];

/// One store, which nobody else uses.
pub(crate) enum Store {
    Etcd(Etcd),
    /// With its command line, once somebody writes by hand.
    ZooKeeper(ZooKeeper, OnceLock<Mutex<Shell>>),
}

impl Store {
    pub(crate) fn etcd(test: &str) -> Option<Self> {
        assert!(etcd::is_here() || !is_required(), "there is no etcd, and JOVIAN_REQUIRE_FLEET=1");
        Etcd::start(test).map(Self::Etcd)
    }

    pub(crate) fn zookeeper(test: &str) -> Option<Self> {
        let store = ZooKeeper::start(test);
        assert!(store.is_some() || !is_required(), "there is no ZooKeeper, and JOVIAN_REQUIRE_FLEET=1");
        Some(Self::ZooKeeper(store?, OnceLock::new()))
    }

    /// Where it is.
    pub(crate) fn endpoint(&self) -> String {
        let mut endpoints = match self {
            Self::Etcd(store) => store.endpoints(),
            Self::ZooKeeper(store, _) => store.endpoints(),
        };
        endpoints.remove(0)
    }

    /// As generated Rust uses it: in these layouts, with these names.
    pub(crate) fn registry(&self, layouts: &[&str], names: (String, String)) -> Arc<dyn Registry> {
        let mut options = Options::of(match self {
            Self::Etcd(_) => StoreKind::Etcd,
            Self::ZooKeeper(..) => StoreKind::ZooKeeper,
        });
        options.mode = "dev".to_owned();
        options.names = [names].into();
        let layouts: Vec<Arc<dyn Layout>> =
            layouts.iter().map(|layout| by_name(layout, &options).unwrap()).collect();
        let at = [self.endpoint()];
        match self {
            Self::Etcd(_) => Arc::new(EtcdRegistry::new(EtcdOptions::at(at, layouts).ttl(TTL))),
            Self::ZooKeeper(..) => {
                Arc::new(ZooKeeperRegistry::new(ZooKeeperOptions::at(at, layouts).ttl(TTL)))
            }
        }
    }

    /// Writes a record by hand.
    pub(crate) async fn put(&self, key: &str, value: &str) {
        match self {
            Self::Etcd(_) => {
                let (key, value) = (key.to_owned().into(), value.to_owned().into());
                self.keys().put(PutRequest { key, value, ..Default::default() }).await.unwrap();
            }
            Self::ZooKeeper(_, nodes) => self.nodes(nodes).lock().unwrap().create(key, value),
        }
    }

    /// Forgets all that stands there.
    pub(crate) async fn clear(&self) {
        match self {
            Self::Etcd(_) => {
                let all = DeleteRangeRequest { key: vec![0].into(), range_end: vec![0].into() };
                self.keys().delete_range(all).await.unwrap();
            }
            Self::ZooKeeper(_, nodes) => {
                let mut nodes = self.nodes(nodes).lock().unwrap();
                for folder in FOLDERS {
                    // A consumer that ends may still write below it.
                    while nodes.get(folder).is_some() {
                        nodes.run(&format!("deleteall {folder}"));
                    }
                }
            }
        }
    }

    /// All that stands in an etcd: keys and values.
    pub(crate) async fn records(&self) -> Vec<(String, String)> {
        let all = RangeRequest { key: vec![0].into(), range_end: vec![0].into(), ..Default::default() };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let found = self.keys().range(all).await.unwrap().kvs;
        found.iter().map(|record| (text(&record.key), text(&record.value))).collect()
    }

    /// Those of an etcd.
    fn keys(&self) -> KvClient {
        KvClient::connect(self.endpoint()).unwrap()
    }

    fn nodes<'a>(&self, nodes: &'a OnceLock<Mutex<Shell>>) -> &'a Mutex<Shell> {
        nodes.get_or_init(|| Mutex::new(Shell::at(&self.endpoint())))
    }
}
