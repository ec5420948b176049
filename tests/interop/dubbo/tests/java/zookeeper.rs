//! Dubbo 3.3.6 and Rust in one ZooKeeper.

use std::sync::Arc;

use jovian_runtime::codegen::v1::BoundService;
use jovian_runtime::registry::layout::StoreKind;
use jovian_runtime::registry::{ZooKeeperOptions, ZooKeeperRegistry};
use jovian_runtime::{App, Running};
use jovian_tests_interop_dubbo::{plain, split};

use crate::calls::{self, Peer};
use crate::direct::WIRE;
use crate::fleet::{app, greeting, in_zookeeper, layouts};
use crate::programs::{Consumer, Java, Provider, Report, is_required};
use crate::server::{Shell, ZooKeeper};

/// How a service is written so that every consumer finds it, whoever else is there.
pub(crate) const BOTH: [&str; 2] = ["dubbo-tri", "dubbo-app"];

/// A ZooKeeper, and programs on Dubbo that use it.
pub(crate) struct Fleet {
    java: Java,
    store: ZooKeeper,
}

impl Fleet {
    /// An empty ZooKeeper for programs on one release; nothing where something is missing.
    pub(crate) fn start(test: &str, java: fn() -> Option<Java>) -> Option<Self> {
        let store = ZooKeeper::start(test);
        assert!(store.is_some() || !is_required(), "there is no ZooKeeper, and JOVIAN_REQUIRE_DUBBO=1");
        Some(Self { store: store?, java: java()? })
    }

    pub(crate) fn endpoint(&self) -> String {
        self.store.endpoints().remove(0)
    }

    pub(crate) fn java(&self) -> &Java {
        &self.java
    }

    /// Starts the program as a provider.
    pub(crate) async fn provide(&self, more: &[&str]) -> Provider {
        let registry = format!("zookeeper://{}", self.endpoint());
        self.java.provide(&[&["--registry", &registry], more].concat()).await
    }

    /// Runs the program as a consumer; all that it checks holds.
    pub(crate) async fn consume(&self, more: &[&str]) -> Report {
        self.refer(more).await.report().await
    }

    /// Starts the program as a consumer, and waits until it has found somebody.
    pub(crate) async fn refer(&self, more: &[&str]) -> Consumer {
        let registry = format!("zookeeper://{}", self.endpoint());
        self.java.refer(&[&["--registry", &registry], more].concat()).await
    }

    /// Serves in Rust, as the app `rust`.
    pub(crate) async fn serve(&self, layouts: &[&str], server: impl Into<BoundService>) -> Running {
        let app = app().with_registry(in_zookeeper(&self.endpoint(), layouts, "rust"));
        app.serve(server).start().await.unwrap()
    }

    /// An app in Rust that looks for others.
    pub(crate) fn caller(&self, layouts: &[&str]) -> App {
        app().with_registry(in_zookeeper(&self.endpoint(), layouts, "java-provider"))
    }

    /// The nodes, as ZooKeeper's own command line has them.
    pub(crate) fn nodes(&self) -> Shell {
        Shell::at(&self.endpoint())
    }
}

fn triple(test: &str) -> Option<Fleet> {
    Fleet::start(test, Java::triple)
}

fn plain_rust() -> plain::GreeterServer {
    plain::GreeterServer::new(greeting("rust"))
}

fn split_rust() -> split::GreeterServer {
    split::GreeterServer::new(greeting("rust"))
}

#[tokio::test(flavor = "multi_thread")]
async fn java_finds_and_calls_rust() {
    let Some(fleet) = triple("java_calls_rust") else { return };
    let running = fleet.serve(&["dubbo-tri"], plain_rust()).await;
    fleet.consume(&[]).await.has(&WIRE);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn java_finds_and_calls_rust_by_an_interface_of_another_package() {
    let Some(fleet) = triple("java_calls_split") else { return };
    let running = fleet.serve(&BOTH, split_rust()).await;
    fleet.consume(&["--service", "split"]).await.has(&WIRE);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn java_finds_rust_by_application_alone() {
    let Some(fleet) = triple("java_by_application") else { return };
    let running = fleet.serve(&["dubbo-app"], plain_rust()).await;
    fleet.consume(&["--migration", "FORCE_APPLICATION"]).await.has(&WIRE);
    running.stop().await.unwrap();
}

/// The services of a Java app that is known by application are called there alone, so Rust has to be there as well.
#[tokio::test(flavor = "multi_thread")]
async fn java_shares_its_calls_between_java_and_rust() {
    let Some(fleet) = triple("mixed") else { return };
    let _java = fleet.provide(&["--service", "both"]).await;
    let starved = fleet.serve(&["dubbo-tri"], plain_rust()).await;
    let report = fleet.consume(&["--checks", "spread"]).await;
    assert_eq!(report.seen("spread")["java-provider"], 60, "it is why the guide says so");
    starved.stop().await.unwrap();

    let both = ["--checks", "unary,spread", "--servers", "java-provider,rust"];
    let plain = fleet.serve(&BOTH, plain_rust()).await;
    fleet.consume(&both).await.has(&["spread"]);
    plain.stop().await.unwrap();
    let split = fleet.serve(&BOTH, split_rust()).await;
    fleet.consume(&[&["--service", "split"], &both[..]].concat()).await.has(&["spread"]);
    split.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rust_finds_and_calls_java() {
    let Some(fleet) = triple("rust_calls_java") else { return };
    let _java = fleet.provide(&["--service", "both", "--register-mode", "interface"]).await;
    let caller = fleet.caller(&["dubbo-tri"]);
    let client = plain::GreeterClient::discover(&caller).unwrap();
    assert_eq!(calls::found(&client).await, "java-provider");
    calls::all(&client, Peer::Triple).await;
    let client = split::GreeterClient::discover(&caller).unwrap();
    assert_eq!(calls::found(&client).await, "java-provider");
    calls::all(&client, Peer::Triple).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rust_finds_java_that_says_as_little_as_it_can() {
    let Some(fleet) = triple("simplified") else { return };
    let _java = fleet.provide(&["--service", "both", "--simplified", "true"]).await;
    let caller = fleet.caller(&BOTH);
    assert_eq!(calls::found(&plain::GreeterClient::discover(&caller).unwrap()).await, "java-provider");
    assert_eq!(calls::found(&split::GreeterClient::discover(&caller).unwrap()).await, "java-provider");
}

#[tokio::test(flavor = "multi_thread")]
async fn rust_finds_java_by_application_alone() {
    for metadata in ["local", "remote"] {
        let Some(fleet) = triple(&format!("rust_by_application_{metadata}")) else { return };
        let arguments = ["--service", "both", "--register-mode", "instance", "--metadata-type", metadata];
        let _java = fleet.provide(&arguments).await;
        let caller = fleet.caller(&["dubbo-app"]);
        let client = plain::GreeterClient::discover(&caller).unwrap();
        assert_eq!(calls::found(&client).await, "java-provider", "{metadata}");
        let client = split::GreeterClient::discover(&caller).unwrap();
        assert_eq!(calls::found(&client).await, "java-provider", "{metadata}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_record_harms_nobody() {
    let Some(fleet) = triple("bad_record") else { return };
    let _java = fleet.provide(&[]).await;
    let running = fleet.serve(&BOTH, plain_rust()).await;
    let mut nodes = fleet.nodes();
    let providers = "/dubbo/interop.greeter.v1.Greeter/providers";
    for bad in ["garbage", "tri%3A%2F%2Fnowhere", "tri%3a%2f%2f127.0.0.1%3a1%2fx%3fdisabled%3dtrue"] {
        nodes.create(&format!("{providers}/{bad}"), "x");
    }
    nodes.set("/dubbo/mapping/interop.greeter.v1.Greeter", "java-provider,,nobody,rust,");
    fleet.consume(&["--checks", "unary,spread", "--servers", "java-provider,rust"]).await;
    // Consumers in Java do not start with these, whoever wrote them: what is no UTF-8, an instance without its class.
    nodes.create(&format!("{providers}/%7E%ff"), "x");
    nodes.create("/services/rust/bad", "{\"name\":");
    let client = plain::GreeterClient::discover(&fleet.caller(&BOTH)).unwrap();
    calls::found(&client).await;
    running.stop().await.unwrap();
}

/// Dubbo 2.7.23, whose interfaces have a `$` in their names.
#[tokio::test(flavor = "multi_thread")]
async fn java_27_and_rust_find_and_call_each_other() {
    let Some(fleet) = Fleet::start("java27", Java::grpc27) else { return };
    let running = fleet.serve(&["dubbo-grpc"], split_rust()).await;
    let report = fleet.consume(&["--service", "split"]).await;
    assert_eq!(report.seen("unary")["server"], "rust");
    running.stop().await.unwrap();
    let _java = fleet.provide(&["--service", "both"]).await;
    let caller = fleet.caller(&["dubbo-grpc"]);
    assert_eq!(calls::found(&plain::GreeterClient::discover(&caller).unwrap()).await, "java27-provider");
    assert_eq!(calls::found(&split::GreeterClient::discover(&caller).unwrap()).await, "java27-provider");
}

/// What is written for one user is read by those who are that user: in Java as in Rust.
#[tokio::test(flavor = "multi_thread")]
async fn both_are_the_same_user() {
    let Some(fleet) = triple("user") else { return };
    let registry = format!("zookeeper://me:a-word@{}", fleet.endpoint());
    let of = |name: &str| {
        let options = ZooKeeperOptions::at([fleet.endpoint()], layouts(StoreKind::ZooKeeper, &BOTH, name));
        app().with_registry(Arc::new(ZooKeeperRegistry::new(options.user("me", "a-word"))))
    };
    let running = of("rust").serve(plain_rust()).start().await.unwrap();
    fleet.consume(&["--registry", &registry, "--checks", "unary"]).await.has(&["unary"]);
    running.stop().await.unwrap();
    let _java = fleet.provide(&["--registry", &registry]).await;
    let client = plain::GreeterClient::discover(&of("java-provider")).unwrap();
    assert_eq!(calls::found(&client).await, "java-provider");
}
