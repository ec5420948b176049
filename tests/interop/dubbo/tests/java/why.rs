//! The cases of `tests/why` before consumers in Java: each finds and reaches whom `jovian registry why` says.
//!
//! The records are put into a real registry, in the names of the Greeters, and with the addresses of providers that run.

use std::collections::BTreeSet;
use std::path::Path;

use jovian_runtime::Running;
use jovian_runtime::etcd_api::etcdserverpb::{DeleteRangeRequest, KvClient, PutRequest};
use jovian_tests_interop_dubbo::{plain, split};

use crate::etcd::Etcd;
use crate::finder::Finder;
use crate::fleet::{app, greeting};
use crate::nacos_server::Nacos;
use crate::programs::{Java, is_required};
use crate::server::Shell;
use crate::why_case::{self, Case};
use crate::zookeeper::Fleet;

/// The cases of a consumer in a kind of registry.
fn cases(consumer: &str, store: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../why");
    let mut cases = why_case::all(&folder);
    cases.retain(|case| case.flag("--consumer") == Some(consumer) && case.store == store);
    cases
}

/// The hosts that cases have.
const HOSTS: [&str; 3] = ["10.0.0.7", "10.0.0.8", "10.0.0.9"];
/// Their ports: one of them is looked for on each host.
const PORTS: [&str; 2] = ["9000", "50052"];

/// The providers of all cases. Each serves whatever is asked for and signs with its host in the cases.
struct Providers(Vec<Running>);

impl Providers {
    async fn start() -> Self {
        let mut all = Vec::new();
        for host in HOSTS {
            let app = app()
                .serve(plain::GreeterServer::new(greeting(host)))
                .serve(split::GreeterServer::new(greeting(host)));
            all.push(app.start().await.unwrap());
        }
        Self(all)
    }

    /// The records of a case, as they are here.
    fn records(&self, case: &Case) -> Vec<(String, String)> {
        let service = if is_split(case) { split::GREETER.name } else { plain::GREETER.name };
        let named = |text: &str| {
            text.replace("shop.orders.v1.Orders", service)
                .replace("com.example.shop.DubboOrdersGrpc", "com.example.interop.split.DubboGreeterGrpc")
                .replace("IOrders", "IGreeter")
                .replace("com.example.shop.Orders", "com.example.interop.split.Greeter")
        };
        let here = |(key, value): &(String, String)| {
            // What an app says of itself names no host: it is that of Java on the last one, of all others on the first.
            let of_host = HOSTS.iter().position(|host| key.contains(host));
            let place = of_host.unwrap_or(if key.contains("java-orders") { 2 } else { 0 });
            let port = self.0[place].address().port().unwrap().to_string();
            let here = |text: &str| {
                let text = named(text).replace(HOSTS[place], "127.0.0.1");
                PORTS.iter().fold(text, |text, said| text.replace(said, &port))
            };
            (here(key), here(value))
        };
        case.records.iter().map(here).collect()
    }

    async fn stop(self) {
        for running in self.0 {
            running.stop().await.unwrap();
        }
    }
}

/// Whether its Java interface is another one than its name in the IDL.
fn is_split(case: &Case) -> bool {
    case.flag("--java").is_some()
}

/// Starts a consumer for a case. What is wrong with what is said of it, if anything.
async fn disagreement(finder: &mut Finder, case: &Case, registry: &str) -> Option<String> {
    let migration = match case.flag("--level") {
        None => "APPLICATION_FIRST",
        Some("interface") => "FORCE_INTERFACE",
        Some(_) => "FORCE_APPLICATION",
    };
    let service = if is_split(case) { "split" } else { "plain" };
    let mut arguments = vec!["--registry", registry, "--service", service, "--migration", migration];
    arguments.extend(["--check", "false"]);
    for (said, given) in [("--group", "--group"), ("--service-version", "--version"), ("--root", "--root")] {
        arguments.extend(case.flag(said).into_iter().flat_map(|value| [given, value]));
    }
    let found = finder.find(&arguments).await;
    let called: BTreeSet<&str> = found.called.keys().map(String::as_str).collect();
    let said = case.called();
    let hosts = said.iter().map(|address| address.rsplit_once(':').map_or(&**address, |(host, _)| host));
    let hosts: BTreeSet<&str> = hosts.collect();
    // Whichever it finds first.
    if case.expected().contains("one provider alone") {
        let is_one = called.len() == 1 && called.is_subset(&hosts);
        return (!is_one).then(|| format!("{}: {said:?}, and it is {found:#?}", case.folder.display()));
    }
    // One that it is told to find and does not reach is no part of what is found, and so for those that refuse.
    (called != hosts).then(|| format!("{}: said {said:?}, and it is {found:#?}", case.folder.display()))
}

/// Puts each case before a consumer. What is wrong with what is said of them.
async fn disagreements(store: Store, java: &Java, cases: &[Case]) -> Vec<String> {
    let providers = Providers::start().await;
    let mut finder = Finder::start(java);
    let mut disagreements = Vec::new();
    let mut store = store;
    for case in cases {
        store.fill(&providers.records(case)).await;
        disagreements.extend(disagreement(&mut finder, case, &store.registry()).await);
        store.clear().await;
    }
    providers.stop().await;
    disagreements
}

/// A registry with the records of one case.
enum Store {
    Etcd(Etcd),
    ZooKeeper(Fleet, Shell),
    /// The number of the namespace of the case.
    Nacos(Nacos, u32),
}

impl Store {
    fn registry(&self) -> String {
        match self {
            Self::Etcd(store) => format!("etcd3://{}", store.endpoints()[0]),
            Self::ZooKeeper(fleet, _) => format!("zookeeper://{}", fleet.endpoint()),
            Self::Nacos(store, case) => format!("nacos://{}?namespace=case-{case}", store.endpoint()),
        }
    }

    fn keys(store: &Etcd) -> KvClient {
        KvClient::connect(format!("static://{}", store.endpoints()[0])).unwrap()
    }

    async fn fill(&mut self, records: &[(String, String)]) {
        for (key, value) in records {
            match self {
                Self::Etcd(store) => {
                    let (key, value) = (key.clone().into(), value.clone().into());
                    Self::keys(store).put(PutRequest { key, value, ..Default::default() }).await.unwrap();
                }
                Self::ZooKeeper(_, nodes) => nodes.create(key, value),
                Self::Nacos(store, case) => store.put(&format!("case-{case}"), key, value),
            }
        }
    }

    async fn clear(&mut self) {
        match self {
            Self::Etcd(store) => {
                let (key, range_end) = (vec![0].into(), vec![0].into());
                Self::keys(store).delete_range(DeleteRangeRequest { key, range_end }).await.unwrap();
            }
            Self::ZooKeeper(_, nodes) => {
                // A consumer that ends may still write below it.
                for root in ["/dubbo", "/services", "/fleet"] {
                    while nodes.get(root).is_some() {
                        nodes.run(&format!("deleteall {root}"));
                    }
                }
            }
            Self::Nacos(_, case) => *case += 1,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dubbo_3_in_nacos_finds_whom_it_is_said_to_find() {
    let (Some(store), Some(java)) = (Nacos::start("why", &[]), Java::triple()) else { return };
    let mut cases = cases("dubbo-java", "nacos");
    // Nobody but the server says that one is not well, and not at once.
    cases.retain(|case| !case.records.iter().any(|(_, value)| value.contains("\"healthy\":false")));
    assert!(cases.len() > 9, "{}", cases.len());
    let disagreements = disagreements(Store::Nacos(store, 0), &java, &cases).await;
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn dubbo_3_finds_whom_it_is_said_to_find() {
    let Some(fleet) = Fleet::start("why", Java::triple) else { return };
    let (java, nodes) = (fleet.java().clone(), fleet.nodes());
    let cases = cases("dubbo-java", "zookeeper");
    assert!(cases.len() > 30, "{}", cases.len());
    let disagreements = disagreements(Store::ZooKeeper(fleet, nodes), &java, &cases).await;
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn dubbo_27_finds_whom_it_is_said_to_find() {
    let (Some(etcd), Some(fleet)) = (Etcd::start("why_27"), Fleet::start("why_27", Java::grpc27)) else {
        return assert!(!is_required(), "JOVIAN_REQUIRE_DUBBO=1");
    };
    let (java, nodes) = (fleet.java().clone(), fleet.nodes());
    let in_zookeeper = cases("dubbo-java-2.7", "zookeeper");
    let mut all = disagreements(Store::ZooKeeper(fleet, nodes), &java, &in_zookeeper).await;
    let in_etcd = cases("dubbo-java-2.7", "etcd");
    all.extend(disagreements(Store::Etcd(etcd), &java, &in_etcd).await);
    assert!(in_etcd.len() > 5 && in_zookeeper.len() > 3);
    assert!(all.is_empty(), "{}", all.join("\n"));
}
