//! dubbo-go 3.3.2, over etcd: by interface, and by application.

use jovian_runtime::Code;

use crate::calls;
use crate::fleet::Fleet;
use crate::kratos::WIRE;

const ETCD: [&str; 2] = ["-kind", "etcdv3"];

/// What its consumer says of where it looks.
fn level(level: &'static str) -> [&'static str; 4] {
    [ETCD[0], ETCD[1], "-level", level]
}

async fn dubbo_go_calls_rust(test: &str, layout: &str, level: &[&str]) {
    let Some(fleet) = Fleet::start(test, "dubbogo") else { return };
    let rust = fleet.serve(&[layout], None).await;
    let report = fleet.consume(&[level, &["-name", "caller", "-from", "rust"]].concat()).await;
    report.has(&WIRE);
    report.has(&["fail-3", "fail-5", "fail-14", "from"]);
    rust.running.stop().await.unwrap();
}

async fn rust_calls_dubbo_go(test: &str, layout: &str, more: &[&str]) {
    let Some(fleet) = Fleet::start(test, "dubbogo") else { return };
    let _dubbo = fleet.provide(more).await;
    let (_app, client) = fleet.client(&[layout]);
    assert_eq!(calls::found(&client).await.provider, "go");
    calls::wire(&client).await;
    calls::codes(&client, &[Code::InvalidArgument, Code::NotFound]).await;
    // An error without a code has a number of its own there.
    let plain = calls::status(&client, 0, "plain", "größe").await;
    assert_eq!((plain.code(), plain.message()), (Code::Unknown, "größe"));
    assert_eq!(plain.metadata().get("grpc-status").unwrap(), "17");
}

#[tokio::test]
async fn dubbo_go_finds_and_calls_rust_by_interface() {
    dubbo_go_calls_rust("dubbo_go_by_interface", "dubbo-tri", &level("interface")).await;
}

#[tokio::test]
async fn dubbo_go_finds_and_calls_rust_by_application() {
    dubbo_go_calls_rust("dubbo_go_by_application", "dubbo-app", &level("default")).await;
}

#[tokio::test]
async fn rust_finds_and_calls_dubbo_go_by_interface() {
    rust_calls_dubbo_go("rust_by_interface", "dubbo-tri", &level("interface")).await;
}
