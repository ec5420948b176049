//! dubbo-go 3.3.2, over etcd, ZooKeeper and Nacos: by interface, and by application.

use std::collections::BTreeSet;

use jovian_runtime::Code;
use jovian_runtime::codegen::v1::BoundService;
use jovian_runtime::health::ServingStatus;
use jovian_tests_fleet::probe::{PROBE_SERVICE, ProbeServiceServer};

use crate::calls;
use crate::finder::Finder;
use crate::fleet::Fleet;
use crate::kratos::{WATCH, WIRE};
use crate::probe::Probe;

/// Starts a store with a program on dubbo-go.
type Start = fn(&str, &'static str) -> Option<Fleet>;
/// A store, and what dubbo-go calls it.
type In = (Start, &'static str);

const ETCD: In = (Fleet::start, "etcdv3");
const ZOOKEEPER: In = (Fleet::start_in_zookeeper, "zookeeper");
const NACOS: In = (Fleet::start_in_nacos, "nacos");

async fn dubbo_go_calls_rust((start, kind): In, test: &str, layout: &str, level: &str) {
    let Some(fleet) = start(test, "dubbogo") else { return };
    let rust = fleet.serve(&[layout], None).await;
    let caller = ["-kind", kind, "-level", level, "-name", "caller", "-rust", "-from", "rust"];
    let report = fleet.consume(&caller).await;
    report.has(&WIRE);
    report.has(&["fail-3", "fail-5", "fail-14", "casing", "from"]);
    assert!(rust.calls.had(WATCH), "{:?}", rust.calls);
    rust.running.stop().await.unwrap();
}

async fn rust_calls_dubbo_go((start, kind): In, test: &str, layout: &str, more: &[&str]) {
    let Some(fleet) = start(test, "dubbogo") else { return };
    let dubbo = fleet.provide(&[&["-kind", kind], more].concat()).await;
    let (_app, client) = fleet.client(&[layout]);
    assert_eq!(calls::found(&client).await.provider, "go");
    calls::wire(&client).await;
    calls::codes(&client, &[Code::InvalidArgument, Code::NotFound]).await;
    // An error without a code has a number of its own there.
    let plain = calls::status(&client, 0, "plain", "größe").await;
    assert_eq!((plain.code(), plain.message()), (Code::Unknown, "größe"));
    assert_eq!(plain.metadata().get("grpc-status").unwrap(), "17");
    calls::absent(&dubbo).await;
}

#[tokio::test]
async fn dubbo_go_finds_and_calls_rust_by_interface() {
    dubbo_go_calls_rust(ETCD, "dubbo_go_by_interface", "dubbo-tri", "interface").await;
}

#[tokio::test]
async fn dubbo_go_finds_and_calls_rust_by_application() {
    dubbo_go_calls_rust(ETCD, "dubbo_go_by_application", "dubbo-app", "default").await;
}

#[tokio::test]
async fn rust_finds_and_calls_dubbo_go_by_interface() {
    rust_calls_dubbo_go(ETCD, "rust_by_interface", "dubbo-tri", &["-level", "interface"]).await;
}

/// A mapping leads to its app, that to its instances, and they to what they serve.
#[tokio::test]
async fn rust_finds_and_calls_dubbo_go_by_application() {
    let application = ["-level", "service", "-remote-metadata"];
    rust_calls_dubbo_go(ETCD, "rust_by_application", "dubbo-app", &application).await;
}

/// As it does by default it keeps to itself what it serves.
#[tokio::test]
async fn rust_finds_dubbo_go_that_does_not_say_what_it_serves() {
    rust_calls_dubbo_go(ETCD, "rust_by_default", "dubbo-app", &["-level", "default"]).await;
}

#[tokio::test]
async fn dubbo_go_finds_and_calls_rust_by_interface_in_zookeeper() {
    dubbo_go_calls_rust(ZOOKEEPER, "dubbo_go_by_interface", "dubbo-tri", "interface").await;
}

#[tokio::test]
async fn dubbo_go_finds_and_calls_rust_by_application_in_zookeeper() {
    dubbo_go_calls_rust(ZOOKEEPER, "dubbo_go_by_application", "dubbo-app", "default").await;
}

#[tokio::test]
async fn rust_finds_and_calls_dubbo_go_by_interface_in_zookeeper() {
    rust_calls_dubbo_go(ZOOKEEPER, "rust_by_interface", "dubbo-tri", &["-level", "interface"]).await;
}

#[tokio::test]
async fn rust_finds_and_calls_dubbo_go_by_application_in_zookeeper() {
    let application = ["-level", "service", "-remote-metadata"];
    rust_calls_dubbo_go(ZOOKEEPER, "rust_by_application", "dubbo-app", &application).await;
}

#[tokio::test]
async fn dubbo_go_finds_and_calls_rust_in_nacos() {
    dubbo_go_calls_rust(NACOS, "dubbo_go_by_interface", "dubbo-tri", "interface").await;
    dubbo_go_calls_rust(NACOS, "dubbo_go_by_application", "dubbo-app", "default").await;
}

#[tokio::test]
async fn rust_finds_and_calls_dubbo_go_in_nacos() {
    rust_calls_dubbo_go(NACOS, "rust_by_interface", "dubbo-tri", &["-level", "interface"]).await;
    let application = ["-level", "service", "-remote-metadata"];
    rust_calls_dubbo_go(NACOS, "rust_by_application", "dubbo-app", &application).await;
}

/// What it serves it says nowhere but in its metadata.
#[tokio::test]
async fn rust_asks_dubbo_go_for_a_group_and_a_version_by_application() {
    for (start, kind) in [ETCD, ZOOKEEPER] {
        let Some(fleet) = start("rust_by_group", "dubbogo") else { return };
        let blue = ["-kind", kind, "-level", "service", "-remote-metadata", "-group", "blue"];
        let _dubbo = fleet.provide(&[&blue[..], &["-version", "1.0.0"]].concat()).await;
        let (_app, client) = fleet.client_of(&["dubbo-app"], "blue", "1.0.0");
        assert_eq!(calls::found(&client).await.provider, "go");
        for (group, version) in [("", "1.0.0"), ("blue", ""), ("green", "1.0.0")] {
            let (_app, client) = fleet.client_of(&["dubbo-app"], group, version);
            let nobody = calls::failure(&client, 3, "", "x").await;
            assert_eq!(nobody.code(), Code::Unavailable, "{kind} {group}/{version}: {nobody}");
        }
    }
}

/// It watches the health of a service by its group and its version, too.
#[tokio::test]
async fn dubbo_go_asks_rust_for_a_group_and_a_version() {
    for (layout, level) in [("dubbo-tri", "interface"), ("dubbo-app", "default")] {
        let Some(fleet) = Fleet::start("dubbo_go_by_group", "dubbogo") else { return };
        let server = ProbeServiceServer::new(Probe::new(None));
        let rust =
            fleet.serve_bound(&[layout], BoundService::from(server).group("blue").version("1.0.0")).await;
        let caller = ["-kind", ETCD.1, "-level", level, "-name", "caller"];
        let blue = ["-group", "blue", "-version", "1.0.0", "-rust", "-from", "rust"];
        let report = fleet.consume(&[&caller[..], &blue].concat()).await;
        report.has(&WIRE);
        report.has(&["fail-3", "casing", "from"]);
        assert!(rust.calls.had(WATCH), "{:?}", rust.calls);
        rust.running.stop().await.unwrap();
    }
}

/// Whoever says that it is not well is taken off the list, as one that is about to leave.
#[tokio::test]
async fn dubbo_go_leaves_whoever_is_not_well() {
    let Some(fleet) = Fleet::start("dubbo_go_health", "dubbogo") else { return };
    let service = PROBE_SERVICE.name;
    let record = |address: &str| {
        let at = address.replace(':', "%3A");
        // As dubbo-go writes it, which gives no calls to itself beside somebody who has a weight.
        let weight = "%3Fweight%3D0";
        (format!("/dubbo/{service}/providers/tri%3A%2F%2F{at}%2F{service}{weight}"), String::new())
    };
    let rust = fleet.serve_by_hand(record).await;
    let arguments = ["-kind", ETCD.1, "-level", "interface"];
    let _dubbo = fleet.provide(&arguments).await;
    let of = |names: &[&str]| -> BTreeSet<String> { names.iter().map(|&name| name.to_owned()).collect() };
    let mut finder = Finder::start(&fleet, "dubbo_go_health", &arguments);
    let both = of(&["go", "rust"]);
    assert_eq!(finder.find(service, "", &both).await.names, both);
    assert!(rust.calls.had(WATCH), "{:?}", rust.calls);

    rust.running.health().set(service, ServingStatus::NotServing);
    // The first call may be made before it is told.
    finder.find(service, "", &of(&["go"])).await;
    assert_eq!(finder.find(service, "", &of(&["go"])).await.names, of(&["go"]));
}
