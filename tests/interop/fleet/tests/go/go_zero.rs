//! go-zero 1.10.3.

use jovian_runtime::Code;

use crate::calls;
use crate::fleet::{Fleet, NAME};
use crate::kratos::WIRE;

const CHECKS: [&str; 7] = ["fail-3", "fail-5", "fail-7", "fail-details", "casing", r#"health-"""#, "from"];

#[tokio::test]
async fn go_zero_finds_and_calls_rust() {
    let Some(fleet) = Fleet::start("go_zero_calls_rust", "gozero") else { return };
    let rust = fleet.serve(&["go-zero"], None).await;
    let report = fleet.consume(&["-health", "-rust", "-from", "rust"]).await;
    report.has(&WIRE);
    report.has(&CHECKS);
    rust.running.stop().await.unwrap();
}

/// The hosts of its etcd are its `:authority`, and two of them are none: the acceptor repairs it.
#[tokio::test]
async fn go_zero_with_two_hosts_calls_rust() {
    let Some(fleet) = Fleet::start("go_zero_with_two_hosts", "gozero") else { return };
    let rust = fleet.serve(&["go-zero"], None).await;
    let hosts = [fleet.endpoint(), fleet.endpoint()].join(",");
    let report = fleet.consume(&["-registry", &hosts, "-health", "-rust", "-from", "rust"]).await;
    report.has(&WIRE);
    report.has(&CHECKS);
    rust.running.stop().await.unwrap();

    // The program itself, so that nobody blames Rust for what it does.
    let _go_zero = fleet.provide(&[]).await;
    let report = fleet.consume(&["-registry", &hosts, "-from", "go"]).await;
    assert_eq!(report.detail("echo")[":authority"], hosts);
}

#[tokio::test]
async fn rust_finds_and_calls_go_zero() {
    let Some(fleet) = Fleet::start("rust_calls_go_zero", "gozero") else { return };
    let go_zero = fleet.provide(&[]).await;
    fleet.store.put(&format!("{NAME}/bad"), "no address").await;
    let (_app, client) = fleet.client(&["go-zero"]);
    assert_eq!(calls::found(&client).await.provider, "go");
    calls::wire(&client).await;
    calls::codes(&client, &[Code::InvalidArgument, Code::NotFound, Code::PermissionDenied]).await;
    calls::absent(&go_zero).await;
}
