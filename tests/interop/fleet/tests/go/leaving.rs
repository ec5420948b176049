//! Providers in Rust that leave while programs in Go call them.

use std::collections::BTreeSet;
use std::time::Duration;

use jovian_runtime::{App, AppConfig, Running};
use jovian_tests_fleet::probe::ProbeServiceServer;
use tokio::time::sleep;

use crate::finder::Finder;
use crate::fleet::{Fleet, NAME, config};
use crate::probe::Probe;

/// How long calls go on before one provider is told to leave, and when it has left.
const A_WHILE: Duration = Duration::from_secs(1);

async fn serve(fleet: &Fleet, layout: &str, name: &str, stop_wait: Duration) -> Running {
    let mut config = config();
    config.server.stop_wait_ms = stop_wait.as_millis().try_into().unwrap();
    let server = ProbeServiceServer::new(Probe::named(name));
    let app = App::new(config).with_registry(fleet.registry(&[layout], NAME));
    app.serve(server).start().await.unwrap()
}

/// Of two providers in Rust one is told to leave: no call fails, and all that come later go to the other one.
async fn no_call_fails(fleet: Option<Fleet>, layout: &str, more: &[&str], stop_wait: Duration) {
    let Some(fleet) = fleet else { return };
    let one = serve(&fleet, layout, "one", stop_wait).await;
    let two = serve(&fleet, layout, "two", stop_wait).await;
    let mut finder = Finder::start(&fleet, &format!("stays_by_{layout}"), more);
    let both = BTreeSet::from(["one", "two"].map(str::to_owned));
    let found = finder.find_and_call(NAME, "dev", &both, 4 * A_WHILE + stop_wait).await;
    assert_eq!(found.names, both, "{}", found.errors);
    sleep(A_WHILE).await;
    one.stop().await.unwrap();
    let called = finder.called().await;
    assert_eq!(called["errors"], serde_json::json!({}), "{called}");
    assert_eq!(called["last"], serde_json::json!(["two"]), "{called}");
    assert!(called["calls"].as_u64().is_some_and(|calls| calls > 500), "it called all the time: {called}");
    two.stop().await.unwrap();
}

/// As it comes: one second between leaving the registry and leaving the connections.
fn usual() -> Duration {
    Duration::from_millis(AppConfig::default().server.stop_wait_ms)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_of_jupiter_fails_when_rust_is_told_to_leave() {
    no_call_fails(Fleet::start("jupiter_stays", "jupiter"), "jupiter", &[], usual()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_of_kratos_fails_when_rust_is_told_to_leave() {
    no_call_fails(Fleet::start("kratos_stays", "kratos"), "kratos", &[], usual()).await;
}

/// Kitex asks for its list every 5 seconds.
#[tokio::test(flavor = "multi_thread")]
async fn no_call_of_kitex_fails_when_rust_is_told_to_leave() {
    no_call_fails(Fleet::start("kitex_stays", "kitex"), "kitex", &[], Duration::from_secs(6)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_of_go_zero_fails_when_rust_is_told_to_leave() {
    no_call_fails(Fleet::start("go_zero_stays", "gozero"), "go-zero", &[], usual()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_of_dubbo_go_fails_when_rust_is_told_to_leave() {
    let more = ["-kind", "etcdv3", "-level", "interface"];
    no_call_fails(Fleet::start("dubbo_go_stays", "dubbogo"), "dubbo-tri", &more, usual()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_of_dubbo_go_fails_by_application_in_zookeeper_when_rust_is_told_to_leave() {
    let more = ["-kind", "zookeeper", "-level", "service"];
    let fleet = Fleet::start_in_zookeeper("dubbo_go_stays_in_zookeeper", "dubbogo");
    no_call_fails(fleet, "dubbo-app", &more, usual()).await;
}
