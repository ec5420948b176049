//! Being found: only while being well, by what is true of the machine, and again after a refusal.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jovian_runtime::health::ServingStatus;
use jovian_runtime::registry::{
    Instance, Instances, MemoryRegistry, Registration, Registries, Registry, RegistryError, Wanted,
};
use jovian_runtime::{App, AppConfig};
use support::{OrdersServer, Shop, soon};
use tokio::sync::watch;
use tokio::time::timeout;

const APP: &str = "shop.order.orders";
const ORDERS: &str = "shop.orders.v1.Orders";

fn app(more: &str, registry: Arc<dyn Registry>) -> App {
    let text = format!("[server]\naddress = \"127.0.0.1:0\"\nstop_wait_ms = 0\n{more}");
    let config = AppConfig::parse("app.toml", &text, []).unwrap_or_else(|error| panic!("{error}"));
    App::new(config).with_registry(registry).serve(OrdersServer::new(Shop::default()))
}

async fn counts(watched: &mut watch::Receiver<Instances>, count: usize) {
    let waiting = timeout(Duration::from_secs(20), watched.wait_for(|list| list.len() == count));
    assert!(waiting.await.is_ok_and(|found| found.is_ok()), "never {count}");
}

#[tokio::test]
async fn an_app_is_found_while_it_and_its_services_are_serving() {
    let registry = MemoryRegistry::new();
    let mut watched = registry.watch(&Wanted::app(APP));
    let app = app("", Arc::new(registry));
    let health = app.health();
    health.set("", ServingStatus::NotServing);
    let running = soon(app.start()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(watched.borrow().is_empty(), "it is still warming up");

    health.set("", ServingStatus::Serving);
    counts(&mut watched, 1).await;
    for name in [ORDERS, ""] {
        health.set(name, ServingStatus::NotServing);
        counts(&mut watched, 0).await;
        health.set(name, ServingStatus::Serving);
        counts(&mut watched, 1).await;
    }
    soon(running.stop()).await.unwrap();
    assert!(watched.borrow().is_empty());
}

#[tokio::test]
async fn an_app_that_is_not_serving_stops_like_any_other() {
    let running = soon(app("", Arc::new(MemoryRegistry::new())).start()).await.unwrap();
    running.health().set("", ServingStatus::NotServing);
    soon(running.stop()).await.unwrap();
}

#[tokio::test]
async fn the_machine_and_the_governor_are_told_to_those_who_reach_them() {
    let registry = MemoryRegistry::new();
    let mut watched = registry.watch(&Wanted::app(APP));
    let local = soon(app("", Arc::new(registry.clone())).start()).await.unwrap();
    counts(&mut watched, 1).await;
    let found = watched.borrow()[0].clone();
    assert!(!found.host.is_empty());
    assert_eq!(found.governor, local.governor().unwrap().to_string());
    soon(local.stop()).await.unwrap();

    let elsewhere = "[registry]\nadvertise = \"10.1.0.7\"\n";
    let public = format!("{elsewhere}[governor]\naddress = \"0.0.0.0:0\"\n");
    for (more, is_told) in [(elsewhere, false), (&public, true)] {
        let running = soon(app(more, Arc::new(registry.clone())).start()).await.unwrap();
        counts(&mut watched, 1).await;
        let port = running.governor().unwrap().port();
        let expected = if is_told { format!("10.1.0.7:{port}") } else { String::new() };
        assert_eq!(watched.borrow()[0].governor, expected);
        soon(running.stop()).await.unwrap();
        counts(&mut watched, 0).await;
    }
}

#[tokio::test]
async fn the_group_and_the_version_of_a_service_are_told() {
    let registry = MemoryRegistry::new();
    let mut watched = registry.watch(&Wanted::app(APP));
    let more = format!("[server.services.\"{ORDERS}\"]\ngroup = \"blue\"\nversion = \"1.0.0\"\n");
    let running = soon(app(&more, Arc::new(registry)).start()).await.unwrap();
    counts(&mut watched, 1).await;
    let service = watched.borrow()[0].services[0].clone();
    assert_eq!((service.group.as_str(), service.version.as_str()), ("blue", "1.0.0"));
    soon(running.stop()).await.unwrap();
}

/// A registry that refuses until it is told not to.
#[derive(Clone, Debug)]
struct Strict {
    memory: MemoryRegistry,
    is_open: Arc<AtomicBool>,
}

impl Registry for Strict {
    fn register(&self, instance: Instance) -> BoxFuture<'_, Result<Registration, RegistryError>> {
        match self.is_open.load(SeqCst) {
            true => self.memory.register(instance),
            false => Box::pin(async { Err(RegistryError::new("not yet")) }),
        }
    }

    fn watch(&self, wanted: &Wanted) -> watch::Receiver<Instances> {
        self.memory.watch(wanted)
    }
}

#[tokio::test]
async fn a_refusal_later_on_ends_nothing_and_is_tried_again() {
    let strict = Strict { memory: MemoryRegistry::new(), is_open: Arc::new(AtomicBool::new(true)) };
    let mut watched = strict.watch(&Wanted::app(APP));
    let several = Registries::new([Arc::new(strict.clone()) as Arc<dyn Registry>]);
    let running = soon(app("", Arc::new(several)).start()).await.unwrap();
    counts(&mut watched, 1).await;
    running.health().set("", ServingStatus::NotServing);
    counts(&mut watched, 0).await;
    strict.is_open.store(false, SeqCst);
    running.health().set("", ServingStatus::Serving);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(watched.borrow().is_empty());
    strict.is_open.store(true, SeqCst);
    counts(&mut watched, 1).await;
    soon(running.stop()).await.unwrap();
}
