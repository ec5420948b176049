//! The stores that programs look into, written and read by hand as well.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use jovian_runtime::etcd_api::etcdserverpb::{DeleteRangeRequest, KvClient, PutRequest, RangeRequest};
use jovian_runtime::registry::layout::{self, Layout, Options, StoreKind, by_name};
use jovian_runtime::registry::{
    EtcdOptions, EtcdRegistry, NacosOptions, NacosRegistry, Registry, ZooKeeperOptions, ZooKeeperRegistry,
};

use crate::etcd::{self, Etcd};
use crate::nacos::Nacos;
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
    /// The number of a namespace that nobody else uses. The server takes its time to start, so all share it; it ends with this process.
    Nacos(&'static Nacos, AtomicU32),
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

    pub(crate) fn nacos(_: &str) -> Option<Self> {
        static SHARED: OnceLock<Option<Nacos>> = OnceLock::new();
        let store = SHARED.get_or_init(|| Nacos::start("fleet", &[])).as_ref();
        assert!(store.is_some() || !is_required(), "there is no Nacos, and JOVIAN_REQUIRE_FLEET=1");
        Some(Self::Nacos(store?, AtomicU32::new(another())))
    }

    /// What tells a program where it is.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["-registry".to_owned(), self.endpoint()];
        if let Self::Nacos(_, number) = self {
            let namespace = namespace(number);
            arguments.extend(["-kind", "nacos", "-namespace", &namespace].map(str::to_owned));
        }
        arguments
    }

    /// Where it is.
    pub(crate) fn endpoint(&self) -> String {
        let mut endpoints = match self {
            Self::Etcd(store) => store.endpoints(),
            Self::ZooKeeper(store, _) => store.endpoints(),
            Self::Nacos(store, _) => vec![store.endpoint()],
        };
        endpoints.remove(0)
    }

    /// As generated Rust uses it: in these layouts, with these names.
    pub(crate) fn registry(&self, layouts: &[&str], names: (String, String)) -> Arc<dyn Registry> {
        let mut options = Options::of(match self {
            // Of the places of layouts there is nothing in Nacos.
            Self::Etcd(_) | Self::Nacos(..) => StoreKind::Etcd,
            Self::ZooKeeper(..) => StoreKind::ZooKeeper,
        });
        options.mode = "dev".to_owned();
        options.names = [names].into();
        let at = [self.endpoint()];
        if let Self::Nacos(_, number) = self {
            let layouts = layouts.iter().map(|layout| layout::Nacos::by_name(layout, &options).unwrap());
            return Arc::new(NacosRegistry::new(NacosOptions::at(at, layouts).namespace(namespace(number))));
        }
        let layouts: Vec<Arc<dyn Layout>> =
            layouts.iter().map(|layout| by_name(layout, &options).unwrap()).collect();
        match self {
            Self::ZooKeeper(..) => {
                Arc::new(ZooKeeperRegistry::new(ZooKeeperOptions::at(at, layouts).ttl(TTL)))
            }
            _ => Arc::new(EtcdRegistry::new(EtcdOptions::at(at, layouts).ttl(TTL))),
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
            Self::Nacos(store, number) => store.put(&namespace(number), key, value),
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
            Self::Nacos(_, number) => number.store(another(), Ordering::Relaxed),
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

/// The number of another namespace of the Nacos.
fn another() -> u32 {
    static USED: AtomicU32 = AtomicU32::new(0);
    USED.fetch_add(1, Ordering::Relaxed)
}

fn namespace(number: &AtomicU32) -> String {
    format!("fleet-{}", number.load(Ordering::Relaxed))
}
