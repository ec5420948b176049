//! Dubbo 3.3.6 and Rust in one Nacos.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use jovian_runtime::App;
use jovian_runtime::codegen::v1::BoundService;
use jovian_runtime::registry::layout::Nacos as Layout;
use jovian_runtime::registry::{NacosOptions, NacosRegistry};
use jovian_tests_interop_dubbo::{plain, split};

use crate::calls::{self, PATIENCE, Peer, hello};
use crate::direct::WIRE;
use crate::finder::{Finder, Found};
use crate::fleet::{app, greeting, options};
use crate::nacos_server::Nacos;
use crate::programs::Java;
use crate::versions::asking;
use crate::zookeeper::BOTH;

const INTERFACE: &str = "FORCE_INTERFACE";
const APPLICATION: &str = "FORCE_APPLICATION";
/// What Java does without being told.
const USUAL: &str = "APPLICATION_FIRST";

/// Nacos, as an app that others call `name` sees it.
fn registry(store: &Nacos, layouts: &[&str], name: &str) -> Arc<NacosRegistry> {
    let layouts = layouts.iter().map(|layout| Layout::by_name(layout, &options(name)).unwrap());
    Arc::new(NacosRegistry::new(NacosOptions::at([store.endpoint()], layouts)))
}

fn of(store: &Nacos, layouts: &[&str], name: &str) -> App {
    app().with_registry(registry(store, layouts, name))
}

fn plain_rust() -> plain::GreeterServer {
    plain::GreeterServer::new(greeting("rust"))
}

/// A consumer of the plain Greeter, by some step of Dubbo's migration.
async fn found(finder: &mut Finder, store: &Nacos, step: &str, more: &[&str]) -> Found {
    let registry = format!("nacos://{}", store.endpoint());
    let arguments = ["--registry", &registry, "--migration", step, "--check", "false"];
    finder.find(&[&arguments[..], more].concat()).await
}

/// One server for all of it: it takes its time to begin.
#[tokio::test(flavor = "multi_thread")]
async fn java_and_rust_find_and_call_each_other() {
    let (Some(store), Some(java)) = (Nacos::start("java", &[]), Java::triple()) else { return };
    let registry = format!("nacos://{}", store.endpoint());
    for service in ["plain", "split"] {
        let rust = of(&store, &BOTH, "rust");
        let rust = match service {
            "plain" => rust.serve(plain_rust()),
            _ => rust.serve(split::GreeterServer::new(greeting("rust"))),
        };
        let running = rust.start().await.unwrap();
        java.consume(&["--registry", &registry, "--service", service]).await.has(&WIRE);
        running.stop().await.unwrap();
    }

    let mut finder = Finder::start(&java);
    let blue = BoundService::from(plain_rust()).group("blue").version("1.0.0");
    for layouts in [&["dubbo-tri"][..], &["dubbo-app"]] {
        let running = of(&store, layouts, "rust").serve(blue.clone()).start().await.unwrap();
        let asked = ["--group", "blue", "--version", "1.0.0"];
        found(&mut finder, &store, USUAL, &asked).await.is_all(&["rust"]);
        found(&mut finder, &store, USUAL, &["--version", "1.0.0"]).await.is_all(&[]);
        running.stop().await.unwrap();
    }

    let provider = java.provide(&["--registry", &registry, "--service", "both"]).await;
    for layouts in [&BOTH[..], &["dubbo-tri"], &["dubbo-app"]] {
        let caller = of(&store, layouts, "java-provider");
        let client = plain::GreeterClient::discover(&caller).unwrap();
        assert_eq!(calls::found(&client).await, "java-provider", "{layouts:?}");
        let client = split::GreeterClient::discover(&caller).unwrap();
        assert_eq!(calls::found(&client).await, "java-provider", "{layouts:?}");
        calls::all(&client, Peer::Triple).await;
    }
    one_bad_record_harms_nobody(&store, &mut finder).await;
    drop(provider);

    let served = ["--service", "both", "--group", "blue", "--version", "1.0.0", "--metadata-type", "remote"];
    let _java = java.provide(&[&["--registry", &registry], &served[..]].concat()).await;
    for layouts in [&["dubbo-tri"][..], &["dubbo-app"]] {
        let app = asking("blue", "1.0.0").with_registry(self::registry(&store, layouts, "java-provider"));
        assert_eq!(calls::found(&plain::GreeterClient::discover(&app).unwrap()).await, "java-provider");
        assert_eq!(calls::found(&split::GreeterClient::discover(&app).unwrap()).await, "java-provider");
    }
}

/// Beside a provider in Java that runs.
async fn one_bad_record_harms_nobody(store: &Nacos, finder: &mut Finder) {
    let running = of(store, &BOTH, "rust").serve(plain_rust()).start().await.unwrap();
    let both = ["java-provider", "rust"];
    for step in [USUAL, INTERFACE, APPLICATION] {
        found(finder, store, step, &[]).await.is_all(&both);
    }
    // One that does not say its protocol, and some that are none of Dubbo's.
    let service = "providers:interop.greeter.v1.Greeter::";
    let bad = [
        store.client(&["register", service, "127.0.0.1", "1", "path=interop.greeter.v1.Greeter"]),
        store.client(&["register", service, "127.0.0.1", "2"]),
        store.client(&["register", "rust", "127.0.0.1", "3", "kind=grpc"]),
        store.client(&["register", "java-provider", "127.0.0.1", "4"]),
    ];
    let bad = bad.map(|mut client| {
        client.says("registered");
        client
    });
    for step in [USUAL, APPLICATION] {
        found(finder, store, step, &[]).await.is_all(&both);
    }
    // Java itself finds nobody by interface then, whoever is there; so all that we write says its protocol.
    found(finder, store, INTERFACE, &[]).await.is_all(&[]);
    for layouts in [&["dubbo-tri"][..], &["dubbo-app"]] {
        let caller = of(store, layouts, "java-provider");
        let client = plain::GreeterClient::discover(&caller).unwrap();
        calls::found(&client).await;
        let (mut seen, until) = (BTreeSet::new(), Instant::now() + PATIENCE);
        while seen.len() < 2 {
            seen.insert(client.say_hello(hello("spread")).await.unwrap().server);
            assert!(Instant::now() < until, "{layouts:?}: {seen:?}");
        }
    }
    bad.into_iter().for_each(crate::nacos_server::Client::leave);
    running.stop().await.unwrap();
}
