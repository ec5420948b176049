//! Dubbo 3.3.6 and Rust that know each other's address: the wire alone, without a registry.

use jovian_runtime::codegen::v1::BoundService;
use jovian_runtime::{CallOptions, Code};
use jovian_tests_interop_dubbo::{plain, split};

use crate::calls::{self, Peer, hello};
use crate::fleet;
use crate::programs::Java;

/// The checks of a Java consumer that are about the wire.
pub(crate) const WIRE: [&str; 13] = [
    "unary",
    "attachments",
    "server-stream",
    "client-stream",
    "bidi",
    "fail",
    "fail-text",
    "fail-percent",
    "fail-late",
    "statuses",
    "deadline",
    "large-request",
    "large-reply",
];

async fn java_calls(service: &str, server: impl Into<BoundService>) {
    let Some(java) = Java::triple() else { return };
    let running = fleet::app().serve(server).start().await.unwrap();
    let url = format!("tri://{}", running.address());
    let report = java.consume(&["--service", service, "--url", &url]).await;
    report.has(&WIRE);
    // Java's attachments have no capitals on the way, and letters beyond ASCII as Latin-1.
    let headers = &report.seen("attachments")["headers"];
    assert_eq!((&headers["Upper-Mark"], &headers["text"]), (&"three".into(), &"größe".into()), "{headers}");
    assert_eq!(headers["tri-consumer-appname"], "java-consumer");
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn java_calls_rust() {
    java_calls("plain", plain::GreeterServer::new(fleet::greeting("rust"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn java_calls_rust_by_a_name_that_is_not_its_interface() {
    java_calls("split", split::GreeterServer::new(fleet::greeting("rust"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rust_calls_java() {
    let Some(java) = Java::triple() else { return };
    // It registers with nobody.
    let provider = java.provide(&["--service", "both", "--registry", "N/A"]).await;
    let client = plain::GreeterClient::connect(&*provider.address).unwrap();
    calls::all(&client, Peer::Triple).await;
    let marked = client.with(CallOptions::new().metadata("mark", "one two"));
    let headers = marked.say_hello(hello("marked")).await.unwrap().headers;
    assert_eq!(headers.get("mark").map(String::as_str), Some("one two"), "{headers:?}");
    calls::all(&split::GreeterClient::connect(&*provider.address).unwrap(), Peer::Triple).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rust_calls_what_java_does_not_have() {
    let Some(java) = Java::triple() else { return };
    let provider = java.provide(&["--service", "plain", "--registry", "N/A"]).await;
    let client = split::GreeterClient::connect(&*provider.address).unwrap();
    let missing = client.say_hello(hello("nobody")).await.unwrap_err();
    assert_eq!(missing.code(), Code::Unimplemented, "{missing}");
}
