//! Jupiter 0.11.21.

use jovian_runtime::Code;

use crate::calls;
use crate::fleet::{Fleet, NAME};
use crate::kratos::WIRE;

/// It sends an `:authority` that HTTP/2 refuses; the acceptor repairs it, or nothing of this would pass.
#[tokio::test]
async fn jupiter_finds_and_calls_rust() {
    let Some(fleet) = Fleet::start("jupiter_calls_rust", "jupiter") else { return };
    let rust = fleet.serve(&["jupiter"], None).await;
    let report = fleet.consume(&["-health", "-rust", "-from", "rust"]).await;
    report.has(&WIRE);
    report.has(&["fail-known", "fail-business", "fail-details", "casing", r#"health-"""#, "from"]);
    rust.running.stop().await.unwrap();
}

#[tokio::test]
async fn rust_finds_and_calls_jupiter() {
    let Some(fleet) = Fleet::start("rust_calls_jupiter", "jupiter") else { return };
    let jupiter = fleet.provide(&[]).await;
    fleet.store.put(&format!("grpc:{NAME}:v1:dev/127.0.0.1:1"), r#"{"MetadataX":{"weight":"100"}}"#).await;
    let (_app, client) = fleet.client(&["jupiter"]);
    assert_eq!(calls::found(&client).await.provider, "go");
    calls::wire(&client).await;
    calls::codes(&client, &[Code::NotFound, Code::InvalidArgument]).await;
    // A business code is UNKNOWN before it leaves.
    let status = calls::status(&client, 1000, "", "größe").await;
    assert_eq!((status.code(), status.message()), (Code::Unknown, "größe"));
    // An error whose code says that there is none comes without a reply.
    assert_eq!(calls::status(&client, 0, "", "größe").await.code(), Code::Internal);
    calls::absent(&jupiter).await;
}

/// The program itself, so that nobody blames Rust for what it does: it sends what HTTP/2 refuses.
#[tokio::test]
async fn jupiter_sends_an_authority_that_is_none() {
    let Some(fleet) = Fleet::start("jupiter_calls_jupiter", "jupiter") else { return };
    let _jupiter = fleet.provide(&[]).await;
    let report = fleet.consume(&["-from", "go"]).await;
    assert_eq!(report.detail("echo")[":authority"], format!("grpc:{NAME}:v1:dev/"));
}
