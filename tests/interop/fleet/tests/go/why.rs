//! What `jovian registry why` says, and what the consumer does: the records of each case of `tests/why` stand in their store, at each
//! of their addresses somebody serves, and the consumer itself looks there. Whom it calls is whom the command says that it calls.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;

use jovian_runtime::{App, Running};
use jovian_tests_fleet::probe::{PROBE_SERVICE, ProbeServiceServer};

use crate::finder::Finder;
use crate::fleet::{Fleet, config};
use crate::probe::Probe;
use crate::why_case::{self, Case};

/// The addresses of the cases, `10.0.0.7:9000` and so on, as addresses of this machine at which somebody serves.
struct Providers {
    port: u16,
    _running: Vec<Running>,
}

const HOSTS: [&str; 3] = ["127.0.0.7", "127.0.0.8", "127.0.0.9"];

impl Providers {
    async fn start() -> Self {
        let port = port();
        let mut running = Vec::new();
        for host in HOSTS {
            let address = format!("{host}:{port}");
            let mut config = config();
            config.governor.enabled = false;
            config.server.address.clone_from(&address);
            let server = ProbeServiceServer::new(Probe::named(&address));
            running.push(App::new(config).serve(server).start().await.unwrap());
        }
        Self { port, _running: running }
    }

    /// A text of a case, as it is here.
    fn here(&self, text: &str) -> String {
        text.replace("10.0.0.", "127.0.0.").replace("9000", &self.port.to_string())
    }
}

/// A port that is free on all hosts.
fn port() -> u16 {
    let free = || {
        let first = TcpListener::bind((HOSTS[0], 0)).unwrap();
        let port = first.local_addr().unwrap().port();
        let is_free = HOSTS[1..].iter().all(|host| TcpListener::bind((*host, port)).is_ok());
        is_free.then_some(port)
    };
    std::iter::repeat_with(free).take(100).flatten().next().expect("there is a free port")
}

/// A store, as cases call it, with a program of a framework.
type In = (&'static str, fn(&str, &'static str) -> Option<Fleet>);

const ETCD: In = ("etcd", Fleet::start);
const ZOOKEEPER: In = ("zookeeper", Fleet::start_in_zookeeper);
const NACOS: In = ("nacos", Fleet::start_in_nacos);

/// The cases of a consumer for a store.
fn cases(consumer: &str, store: &str) -> Vec<Case> {
    let mut cases = why_case::all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../why"));
    cases.retain(|case| case.flag("--consumer") == Some(consumer) && case.store == store);
    cases
}

/// Tries all cases of a consumer, each under a name of its own: a framework remembers whom it has found by what name.
async fn agrees(consumer: &str, framework: &'static str, (store, start): In, least: usize) {
    let Some(fleet) = start(&format!("why_{framework}"), framework) else { return };
    let providers = Providers::start().await;
    let cases = cases(consumer, store);
    // A process for each case where it is told what to look for, and where, as it starts.
    let is_told = framework == "dubbogo" || store == "nacos";
    let mut finder = (!is_told).then(|| Finder::start(&fleet, framework, &[]));
    let mut failures = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let app = case.flag("--app").unwrap_or("shop.order.orders");
        let of_its_own = format!("c{number}-{store}-{app}");
        let here = |text: &str| {
            let text = text.replace(app, &of_its_own).replace(case.service(), PROBE_SERVICE.name);
            providers.here(&text).replace("abc123", &format!("abc{number}{store}"))
        };
        for (key, value) in &case.records {
            fleet.store.put(&here(key), &here(value)).await;
        }
        let expected: BTreeSet<String> = case.called().iter().map(|address| here(address)).collect();
        let found = match &mut finder {
            Some(finder) => {
                finder.find(&of_its_own, case.flag("--mode").unwrap_or_default(), &expected).await
            }
            None => {
                let mut finder = start_for(case, &fleet, framework);
                let found = finder.find(&of_its_own, "", &expected).await;
                // It may be told of one after the other, and call the first as long as it knows nobody else.
                let is_early = found.names.len() > expected.len();
                if is_early { finder.find(&of_its_own, "", &expected).await } else { found }
            }
        };
        let ends = case.expected().contains("every consumer of its app on dubbo-go ends");
        if (&found.names, found.has_ended) != (&expected, ends) {
            let folder = case.folder.display();
            failures.push(format!("{folder}: {found:?}\nThe command says:\n{}", here(&case.expected())));
        }
        fleet.store.clear().await;
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), cases.len(), failures.join("\n"));
    assert!(cases.len() >= least, "{}", cases.len());
}

/// A process that is told what a case is told.
fn start_for(case: &Case, fleet: &Fleet, framework: &'static str) -> Finder {
    let mut arguments = match (framework, &*case.store) {
        ("dubbogo", "etcd") => vec!["-kind", "etcdv3"],
        ("dubbogo", store) => vec!["-kind", store],
        _ => Vec::new(),
    };
    if framework == "dubbogo" {
        let level = match case.flag("--level") {
            Some("application") => "service",
            level => level.unwrap_or("default"),
        };
        arguments.extend(["-level", level]);
    }
    let flags = [("--group", "-group"), ("--service-version", "-version"), ("--cluster", "-cluster")];
    for (flag, own) in flags {
        arguments.extend(case.flag(flag).into_iter().flat_map(|value| [own, value]));
    }
    Finder::start(fleet, framework, &arguments)
}

#[tokio::test]
async fn jupiter_calls_whom_the_command_says() {
    agrees("jupiter", "jupiter", ETCD, 11).await;
}

#[tokio::test]
async fn kratos_calls_whom_the_command_says() {
    agrees("kratos", "kratos", ETCD, 13).await;
}

#[tokio::test]
async fn kitex_calls_whom_the_command_says() {
    agrees("kitex", "kitex", ETCD, 10).await;
}

#[tokio::test]
async fn go_zero_calls_whom_the_command_says() {
    agrees("go-zero", "gozero", ETCD, 7).await;
}

#[tokio::test]
async fn dubbo_go_calls_whom_the_command_says() {
    agrees("dubbo-go", "dubbogo", ETCD, 26).await;
}

#[tokio::test]
async fn dubbo_go_in_zookeeper_calls_whom_the_command_says() {
    agrees("dubbo-go", "dubbogo", ZOOKEEPER, 29).await;
}

#[tokio::test]
async fn kratos_in_nacos_calls_whom_the_command_says() {
    agrees("kratos", "kratos", NACOS, 8).await;
}

#[tokio::test]
async fn dubbo_go_in_nacos_calls_whom_the_command_says() {
    agrees("dubbo-go", "dubbogo", NACOS, 21).await;
}
