//! Dubbo 2.7.23 with the protocol `grpc`, which is grpc-java on the wire, in one etcd with Rust.

use jovian_tests_interop_dubbo::{plain, split};

use crate::calls::{self, Peer};
use crate::etcd::Etcd;
use crate::fleet::{app, greeting, in_etcd};
use crate::programs::Java;

/// The checks of its consumer.
pub(crate) const WIRE: [&str; 7] =
    ["unary", "server-stream", "client-stream", "bidi", "fail", "deadline", "large-request"];

/// One provider carries Jupiter's key and Dubbo's.
#[tokio::test(flavor = "multi_thread")]
async fn java_finds_and_calls_rust_which_carries_jupiters_key_too() {
    let Some((java, store)) = start("java27_calls_rust") else { return };
    let layouts = ["jupiter", "dubbo-grpc"];
    let app = app().with_registry(in_etcd(&store, &layouts, "greeter"));
    let running = app.serve(plain::GreeterServer::new(greeting("rust"))).start().await.unwrap();
    let registry = format!("etcd3://{}", store.endpoints()[0]);
    let report = java.consume(&["--registry", &registry]).await;
    report.has(&WIRE);
    assert_eq!(report.seen("unary")["server"], "rust");
    // Whoever looks for Jupiter's key finds the same.
    let caller = crate::fleet::app().with_registry(in_etcd(&store, &["jupiter"], "greeter"));
    let client = plain::GreeterClient::discover(&caller).unwrap();
    assert_eq!(calls::found(&client).await, "rust");
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn java_finds_and_calls_rust_by_an_interface_of_another_package() {
    let Some((java, store)) = start("java27_calls_split") else { return };
    let app = app().with_registry(in_etcd(&store, &["dubbo-grpc"], "greeter"));
    let server = split::GreeterServer::new(greeting("rust"));
    let running = app.serve(server).start().await.unwrap();
    let registry = format!("etcd3://{}", store.endpoints()[0]);
    java.consume(&["--registry", &registry, "--service", "split"]).await.has(&WIRE);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rust_finds_and_calls_java() {
    let Some((java, store)) = start("rust_calls_java27") else { return };
    let registry = format!("etcd3://{}", store.endpoints()[0]);
    let _provider = java.provide(&["--registry", &registry, "--service", "both"]).await;
    let caller = app().with_registry(in_etcd(&store, &["dubbo-grpc"], "greeter"));
    let client = plain::GreeterClient::discover(&caller).unwrap();
    assert_eq!(calls::found(&client).await, "java27-provider");
    calls::all(&client, Peer::Grpc).await;
    let client = split::GreeterClient::discover(&caller).unwrap();
    assert_eq!(calls::found(&client).await, "java27-provider");
    calls::all(&client, Peer::Grpc).await;
}

fn start(test: &str) -> Option<(Java, Etcd)> {
    let store = Etcd::start(test);
    assert!(store.is_some() || !crate::programs::is_required(), "JOVIAN_REQUIRE_DUBBO=1");
    Some((Java::grpc27()?, store?))
}
