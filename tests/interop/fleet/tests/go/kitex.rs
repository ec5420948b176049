//! Kitex 0.16.3, over gRPC.

use jovian_runtime::Code;

use crate::calls;
use crate::fleet::{Fleet, NAME};
use crate::kratos::WIRE;

#[tokio::test]
async fn kitex_finds_and_calls_rust() {
    let Some(fleet) = Fleet::start("kitex_calls_rust", "kitex") else { return };
    let rust = fleet.serve(&["kitex"], None).await;
    let report = fleet.consume(&["-from", "rust"]).await;
    report.has(&WIRE);
    report.has(&["fail-3", "fail-5", "fail-14", "fail-business", "from"]);
    rust.running.stop().await.unwrap();
}

#[tokio::test]
async fn rust_finds_and_calls_kitex() {
    let Some(fleet) = Fleet::start("rust_calls_kitex", "kitex") else { return };
    let kitex = fleet.provide(&[]).await;
    fleet.store.put(&format!("kitex/registry-etcd/{NAME}/bad"), r#"{"network":"tcp","address":7}"#).await;
    let (_app, client) = fleet.client(&["kitex"]);
    assert_eq!(calls::found(&client).await.provider, "go");
    calls::wire(&client).await;
    calls::codes(&client, &[Code::InvalidArgument, Code::NotFound]).await;
    // A business error of another number is INTERNAL, and says which.
    let other = calls::status(&client, 50001, "OTHER", "größe").await;
    assert_eq!((other.code(), other.message()), (Code::Internal, "größe"));
    assert_eq!(other.metadata().get("biz-status").unwrap(), "50001");
    calls::domain_error(&client, 40001).await;
    calls::absent(&kitex).await;
}

/// What goes over all hops, and what goes one: from Kitex through Rust to Kitex.
#[tokio::test]
async fn metadata_of_kitex_goes_as_far_as_it_is_meant_to() {
    let (Some(last), Some(first)) =
        (Fleet::start("kitex_last", "kitex"), Fleet::start("kitex_first", "kitex"))
    else {
        return;
    };
    let _kitex = last.provide(&[]).await;
    let (_app, next) = last.client(&["kitex"]);
    calls::found(&next).await;
    let _rust = first.serve(&["kitex"], Some(next)).await;
    let report = first.consume(&["-through"]).await;
    let metadata = report.detail("through");
    assert_eq!(metadata["rpc-persist-region"], "r1");
    assert!(metadata["rpc-transit-lane"].is_null() && metadata["tenant"].is_null(), "{metadata}");
}
