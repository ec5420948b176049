//! Jupiter's case: one provider in one etcd, which Jupiter finds by its own key and Java by that of Dubbo.

use std::sync::Arc;

use jovian_runtime::registry::layout::{Options, StoreKind, by_name};
use jovian_runtime::registry::{EtcdOptions, EtcdRegistry};
use jovian_tests_fleet::probe::{PROBE_SERVICE, ProbeServiceServer};
use jovian_tests_interop_dubbo::plain;

use crate::etcd::Etcd;
use crate::fleet::{app, greeting};
use crate::go::Program;
use crate::legacy::WIRE;
use crate::probe::Probe;
use crate::programs::{Java, is_required};

#[tokio::test(flavor = "multi_thread")]
async fn jupiter_and_java_call_rust_at_once() {
    let (Some(java), Some(jupiter)) = (Java::grpc27(), Program::of("jupiter")) else {
        return assert!(!is_required(), "there is no Java or no Go, and JOVIAN_REQUIRE_DUBBO=1");
    };
    let Some(store) = Etcd::start("jupiter_and_java") else { return };
    let mut options = Options::of(StoreKind::Etcd);
    options.mode = "dev".to_owned();
    options.names = [(PROBE_SERVICE.app.to_owned(), "probe".to_owned())].into();
    let layouts = ["jupiter", "dubbo-grpc"].map(|layout| by_name(layout, &options).unwrap());
    let registry = EtcdRegistry::new(EtcdOptions::at(store.endpoints(), layouts.to_vec()));
    let app = app().with_registry(Arc::new(registry));
    let app = app
        .serve(plain::GreeterServer::new(greeting("rust")))
        .serve(ProbeServiceServer::new(Probe::new(None)));
    let running = app.start().await.unwrap();

    let endpoint = store.endpoints().remove(0);
    let registry = format!("etcd3://{endpoint}");
    let of_java = ["--registry", &registry];
    let of_jupiter = ["-registry", &endpoint, "-name", "probe", "-from", "rust"];
    let (java, jupiter) = tokio::join!(java.consume(&of_java), jupiter.consume(&of_jupiter));
    java.has(&WIRE);
    jupiter.has(&["echo", "large", "deadline-exceeded", "chat", "from"]);
    running.stop().await.unwrap();
}
