//! Clients that find their servers in a registry.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::time::{Duration, Instant};

use jovian_runtime::registry::{Instance, MemoryRegistry, Registry as _};
use jovian_runtime::{CallOptions, Code, Server};
use support::{OrdersClient, OrdersServer, Running, Shop, eventually, get, shop, soon, watch};

const APP: &str = "shop.order.orders";

async fn running() -> Running {
    Running::start(Server::new().add(OrdersServer::new(Shop::default()))).await
}

fn at(running: &Running) -> Instance {
    Instance::new(APP, running.address.to_string())
}

#[tokio::test]
async fn no_instance_is_unavailable_in_bounded_time_and_says_what_was_looked_up() {
    let registry = MemoryRegistry::new();
    let client = OrdersClient::find(&registry).unwrap();
    let started = Instant::now();
    let hasty = client.with(CallOptions::new().timeout(Duration::from_millis(100)));
    let error = soon(hasty.get_order(get("1"))).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "{error}");
    assert!(error.to_string().contains("`shop.order.orders`"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(1));

    let patient = client.with(CallOptions::new().without_deadline());
    let error = soon(patient.watch(watch("", 1))).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "{error}");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_call_waits_for_the_first_instance() {
    let registry = MemoryRegistry::new();
    let client = OrdersClient::find(&registry).unwrap();
    let call = tokio::spawn(async move { client.get_order(get("1")).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let running = running().await;
    let _registration = registry.register(at(&running)).await.unwrap();
    soon(call).await.unwrap().unwrap();
}

#[tokio::test]
async fn calls_spread_by_weight_and_follow_the_list() {
    let registry = MemoryRegistry::new();
    let servers = [running().await, running().await, running().await];
    let weights = [100, 300, 0];
    let mut registrations = Vec::new();
    for (server, weight) in servers.iter().zip(weights) {
        registrations.push(registry.register(Instance { weight, ..at(server) }).await.unwrap());
    }
    let client = OrdersClient::find(&registry).unwrap();
    for _ in 0..400 {
        soon(client.get_order(get("1"))).await.unwrap();
    }
    let served = |server: &Running| server.stats.total();
    // A quarter by weight; but who answers more slowly gets less, and on a busy machine that may be anybody.
    assert!((25..200).contains(&served(&servers[0])), "{}", served(&servers[0]));
    assert_eq!((served(&servers[0]) + served(&servers[1]), served(&servers[2])), (400, 0));

    // The first leaves: no call goes there any more, and none fails.
    let before = served(&servers[0]);
    registrations.remove(0).deregister().await.unwrap();
    for _ in 0..20 {
        soon(client.get_order(get("1"))).await.unwrap();
    }
    assert_eq!(served(&servers[0]), before);
}

#[tokio::test]
async fn an_instance_that_is_gone_costs_no_call() {
    let registry = MemoryRegistry::new();
    let (alive, dead) = (running().await, running().await);
    let _alive = registry.register(at(&alive)).await.unwrap();
    let _dead = registry.register(at(&dead)).await.unwrap();
    let _nonsense = registry.register(Instance::new(APP, "not an address")).await.unwrap();
    soon(dead.stop()).await.unwrap();
    let client = OrdersClient::find(&registry).unwrap();
    for _ in 0..30 {
        soon(client.get_order(get("1"))).await.unwrap();
    }
    assert_eq!(alive.stats.total(), 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_call_outlives_the_record() {
    let registry = MemoryRegistry::new();
    let (running, _, traces) = shop().await;
    let registration = registry.register(at(&running)).await.unwrap();
    let client = OrdersClient::find(&registry).unwrap();
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.get_order(get("nap")).await }
    });
    eventually("the call runs", || traces.begun.load(std::sync::atomic::Ordering::SeqCst) == 1).await;
    registration.deregister().await.unwrap();
    let hasty = client.with(CallOptions::new().timeout(Duration::from_millis(50)));
    assert_eq!(soon(hasty.get_order(get("1"))).await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(soon(call).await.unwrap().unwrap().id, "nap");
}
