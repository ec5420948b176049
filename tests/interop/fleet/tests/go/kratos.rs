//! Kratos 2.9.2, over etcd and Nacos.

use std::collections::BTreeSet;

use jovian_runtime::Code;
use jovian_runtime::health::ServingStatus;
use tonic_types::StatusExt as _;

use crate::calls;
use crate::finder::Finder;
use crate::fleet::{Fleet, NAME};

/// What every consumer on grpc-go checks.
pub(crate) const WIRE: [&str; 7] =
    ["echo", "large", "deadline-seen", "deadline-exceeded", "count", "sum", "chat"];

pub(crate) const WATCH: &str = "/grpc.health.v1.Health/Watch";
const ECHO: &str = "/interop.probe.v1.ProbeService/Echo";

/// Starts a store with a program on Kratos.
type Start = fn(&str, &'static str) -> Option<Fleet>;

async fn kratos_calls_rust(start: Start) {
    let Some(fleet) = start("kratos_calls_rust", "kratos") else { return };
    let rust = fleet.serve(&["kratos"], None).await;
    let report = fleet.consume(&["-health", "-rust", "-from", "rust"]).await;
    report.has(&WIRE);
    report.has(&["echo-forwarded", "fail-CODE_404", "fail-STOCK_EMPTY", "fail-details", "casing"]);
    report.has(&[r#"health-"""#, "from"]);
    // Of its own code, and not of 500, which Kratos makes of HTTP 422.
    assert_eq!(report.detail("fail-STOCK_EMPTY")["code"], 400);
    rust.running.stop().await.unwrap();
}

/// It watches the health of whoever it finds, as soon as it is connected.
#[tokio::test]
async fn kratos_calls_nobody_who_is_not_well() {
    let Some(fleet) = Fleet::start("kratos_health", "kratos") else { return };
    let record = |address: &str| {
        let value = format!(r#"{{"name":"{NAME}","endpoints":["grpc://{address}"]}}"#);
        (format!("/microservices/{NAME}/rust"), value)
    };
    let rust = fleet.serve_by_hand(record).await;
    rust.running.health().set("", ServingStatus::NotServing);
    let _kratos = fleet.provide(&[]).await;
    let go = BTreeSet::from(["go".to_owned()]);
    let found = Finder::start(&fleet, "kratos_health", &[]).find(NAME, "", &go).await;
    assert_eq!(found.names, go, "{found:?}");
    assert!(rust.calls.had(WATCH) && !rust.calls.had(ECHO), "{:?}", rust.calls);
}

/// What goes over all hops, what goes one, and the deadline: from Kratos through Rust to Kratos.
#[tokio::test]
async fn metadata_of_kratos_goes_as_far_as_it_is_meant_to() {
    let (Some(last), Some(first)) =
        (Fleet::start("kratos_last", "kratos"), Fleet::start("kratos_first", "kratos"))
    else {
        return;
    };
    let _kratos = last.provide(&[]).await;
    let (_app, next) = last.client(&["kratos"]);
    calls::found(&next).await;
    let _rust = first.serve(&["kratos"], Some(next)).await;
    let report = first.consume(&["-through"]).await;
    let metadata = report.detail("through");
    assert_eq!(metadata["x-md-global-tenant"], "t1");
    assert!(metadata["x-md-local-lane"].is_null(), "{metadata}");
}

async fn rust_calls_kratos(start: Start, bad: (&str, &str)) {
    let Some(fleet) = start("rust_calls_kratos", "kratos") else { return };
    let kratos = fleet.provide(&[]).await;
    fleet.store.put(bad.0, bad.1).await;
    let (_app, client) = fleet.client(&["kratos"]);
    assert_eq!(calls::found(&client).await.provider, "go");
    calls::wire(&client).await;
    // Kratos knows HTTP: 400 is INVALID_ARGUMENT, and its reason, which this IDL does not have, makes it no other error.
    for (http, code) in [(400, Code::InvalidArgument), (404, Code::NotFound), (503, Code::Unavailable)] {
        let status = calls::status(&client, http, "OTHER", "größe").await;
        assert_eq!((status.code(), status.message()), (code, "größe"));
        // It is told all the same, as every caller of gRPC is.
        let info = status.get_details_error_info().expect("there is one");
        assert_eq!((info.reason.as_str(), info.metadata["sku"].as_str()), ("OTHER", "7"));
    }
    // 422 is UNKNOWN on its way.
    calls::domain_error(&client, 422).await;
    calls::absent(&kratos).await;
}

#[tokio::test]
async fn kratos_finds_and_calls_rust() {
    kratos_calls_rust(Fleet::start).await;
}

#[tokio::test]
async fn rust_finds_and_calls_kratos() {
    rust_calls_kratos(Fleet::start, (&format!("/microservices/{NAME}/bad"), "garbage")).await;
}

#[tokio::test]
async fn kratos_finds_and_calls_rust_in_nacos() {
    kratos_calls_rust(Fleet::start_in_nacos).await;
}

#[tokio::test]
async fn rust_finds_and_calls_kratos_in_nacos() {
    let http =
        r#"{"ip":"127.0.0.1","port":1,"enabled":true,"clusterName":"DEFAULT","metadata":{"kind":"http"}}"#;
    rust_calls_kratos(Fleet::start_in_nacos, (&format!("instances/{NAME}.grpc/127.0.0.1:1"), http)).await;
}
