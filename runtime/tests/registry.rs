//! The embedded registry: who registers is found, until they are gone.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::sync::Arc;

use jovian_runtime::registry::{Instance, MemoryRegistry, NoRegistry, Registry, Wanted};

const APP: &str = "shop.order.orders";

fn ids(instances: &[Arc<Instance>]) -> Vec<&str> {
    instances.iter().map(|instance| instance.id.as_str()).collect()
}

#[tokio::test]
async fn a_watcher_sees_instances_come_and_go() {
    let registry: Arc<dyn Registry> = Arc::new(MemoryRegistry::new());
    let mut watched = registry.watch(&Wanted::app(APP));
    assert!(watched.borrow().is_empty());

    let second = registry.register(Instance::new(APP, "127.0.0.1:2")).await.unwrap();
    watched.changed().await.unwrap();
    assert_eq!(ids(&watched.borrow_and_update()), ["127.0.0.1:2"]);

    let first = registry.register(Instance::new(APP, "127.0.0.1:1")).await.unwrap();
    watched.changed().await.unwrap();
    assert_eq!(ids(&watched.borrow_and_update()), ["127.0.0.1:1", "127.0.0.1:2"]);
    assert_eq!(registry.watch(&Wanted::app(APP)).borrow().len(), 2, "who comes later sees those of now");

    second.deregister().await.unwrap();
    assert_eq!(ids(&watched.borrow_and_update()), ["127.0.0.1:1"]);

    drop(first);
    assert!(watched.borrow_and_update().is_empty());

    let _again = registry.register(Instance::new(APP, "127.0.0.1:3")).await.unwrap();
    watched.changed().await.unwrap();
    assert_eq!(ids(&watched.borrow_and_update()), ["127.0.0.1:3"], "a watcher survives an empty list");
}

#[tokio::test]
async fn apps_do_not_see_each_other() {
    let registry = MemoryRegistry::new();
    let other = registry.watch(&Wanted::app("shop.stock"));
    let _one = registry.register(Instance::new(APP, "127.0.0.1:1")).await.unwrap();
    assert!(!other.has_changed().unwrap());
}

#[tokio::test]
async fn registering_an_id_again_replaces_it_and_the_old_end_does_not_remove_the_new() {
    let registry = MemoryRegistry::new();
    let old = registry.register(Instance::new(APP, "127.0.0.1:1")).await.unwrap();
    let newer = Instance { version: "2".to_owned(), ..Instance::new(APP, "127.0.0.1:1") };
    let new = registry.register(newer.clone()).await.unwrap();
    let watched = registry.watch(&Wanted::app(APP));
    assert_eq!(**watched.borrow(), [Arc::new(newer.clone())]);

    old.deregister().await.unwrap();
    assert_eq!(**watched.borrow(), [Arc::new(newer.clone())]);
    drop(new);
    assert!(watched.borrow().is_empty());
}

#[tokio::test]
async fn the_shared_table_is_one_and_others_are_their_own() {
    let app = "registry.test.shared";
    let _one = MemoryRegistry::shared().register(Instance::new(app, "127.0.0.1:1")).await.unwrap();
    assert_eq!(MemoryRegistry::shared().watch(&Wanted::app(app)).borrow().len(), 1);
    assert!(MemoryRegistry::new().watch(&Wanted::app(app)).borrow().is_empty());
    let own = MemoryRegistry::new();
    let _two = own.clone().register(Instance::new(app, "127.0.0.1:1")).await.unwrap();
    assert_eq!(own.watch(&Wanted::app(app)).borrow().len(), 1, "a clone shares its table");
}

#[tokio::test]
async fn no_registry_registers_nothing_and_finds_nobody() {
    let registration = NoRegistry.register(Instance::new(APP, "127.0.0.1:1")).await.unwrap();
    assert!(NoRegistry.watch(&Wanted::app(APP)).borrow().is_empty());
    registration.deregister().await.unwrap();
}
