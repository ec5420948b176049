//! Servers in a real etcd that stop, die and flap while calls run, and a store that is slow.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]
#![cfg(all(feature = "etcd", unix))]

#[path = "support/plain.rs"]
mod plain;
#[path = "support/etcd.rs"]
mod server;
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_core::future::BoxFuture;
use jovian_runtime::registry::{
    EtcdOptions, EtcdRegistry, Instance, Instances, Registration, Registry, RegistryError, Wanted,
};
use jovian_runtime::{App, Server};
use plain::Plain;
use server::Etcd;
use support::load::{Load, What, count};
use support::process::{CHILD, Process};
use support::{OrdersClient, OrdersServer, Running, Shop, eventually, soon};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

const APP: &str = "shop.order.orders";
/// The shortest that etcd gives.
const TTL: Duration = Duration::from_secs(2);
const ENDPOINT: &str = "ETCD_TEST_ENDPOINT";

fn registry(endpoint: &str) -> EtcdRegistry {
    EtcdRegistry::new(EtcdOptions::at([endpoint], vec![Arc::new(Plain("plain"))]).ttl(TTL))
}

/// Says where it is registered, for the parent.
#[derive(Debug)]
struct Told(EtcdRegistry);

impl Registry for Told {
    #[expect(clippy::print_stdout, reason = "the parent reads it")]
    fn register(&self, instance: Instance) -> BoxFuture<'_, Result<Registration, RegistryError>> {
        Box::pin(async move {
            let address = instance.address.clone();
            let registered = self.0.register(instance).await?;
            println!("registers {address} end");
            Ok(registered)
        })
    }

    fn watch(&self, wanted: &Wanted) -> watch::Receiver<Instances> {
        self.0.watch(wanted)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_serves_in_etcd() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let registry = registry(&std::env::var(ENDPOINT).unwrap());
    let app = App::from_config().unwrap().with_registry(Arc::new(Told(registry)));
    app.serve(OrdersServer::new(Shop::default())).run().await.unwrap();
}

async fn start(endpoint: &str) -> Process {
    let endpoint = endpoint.to_owned();
    let start = move || {
        let environment = [(ENDPOINT, endpoint.as_str()), ("JOVIAN_SERVER__STOP_WAIT_MS", "300")];
        Process::start("child_serves_in_etcd", &environment)
    };
    tokio::task::spawn_blocking(start).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_are_told_to_stop_lose_no_call() {
    let Some(store) = Etcd::start("faults-stop") else { return };
    let endpoint = store.endpoints().remove(0);
    let mut fleet = vec![start(&endpoint).await, start(&endpoint).await];
    let client = OrdersClient::find(&registry(&endpoint)).unwrap();
    let load = Load::start(&client, What::Import, 16);
    for _ in 0..4 {
        load.more(100).await;
        fleet.push(start(&endpoint).await);
        let oldest = fleet.remove(0);
        oldest.signal("TERM");
        let ended = tokio::task::spawn_blocking(|| oldest.ended()).await.unwrap();
        assert_eq!(ended.last().map(String::as_str), Some("stopped"), "{ended:?}");
    }
    load.more(100).await;
    let failures = load.failures().await;
    assert_eq!(count(&failures), 0, "{failures:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_costs_no_more_than_its_calls_in_flight() {
    const CALLERS: usize = 16;
    let Some(store) = Etcd::start("faults-kill") else { return };
    let endpoint = store.endpoints().remove(0);
    let registry = registry(&endpoint);
    for (what, most) in [(What::Get, 0), (What::Import, CALLERS)] {
        let fleet = [start(&endpoint).await, start(&endpoint).await, start(&endpoint).await];
        let mut watched = registry.watch(&Wanted::app(APP));
        soon(watched.wait_for(|list| list.len() == fleet.len())).await.unwrap();
        let client = OrdersClient::find(&registry).unwrap();
        let load = Load::start(&client, what, CALLERS);
        load.more(300).await;
        let killed = Instant::now();
        fleet[0].signal("KILL");
        soon(watched.wait_for(|list| list.len() == fleet.len() - 1)).await.unwrap();
        // The lease was at most whole when it died; etcd looks for ended ones twice a second.
        assert!(killed.elapsed() < TTL + Duration::from_secs(2), "{:?}", killed.elapsed());
        load.more(300).await;
        let failures = load.failures().await;
        assert!(count(&failures) <= most, "{failures:?}");
        drop(fleet);
        soon(watched.wait_for(|list| list.is_empty())).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_flaps_disturbs_nobody() {
    let Some(store) = Etcd::start("faults-flap") else { return };
    let endpoint = store.endpoints().remove(0);
    let (registry, servers) = (registry(&endpoint), [serve().await, serve().await]);
    let instance = |server: &Running| Instance::new(APP, server.address.to_string());
    let steady = registry.register(instance(&servers[0])).await.unwrap();
    let client = OrdersClient::find(&registry).unwrap();
    let load = Load::start(&client, What::Import, 8);
    for _ in 0..40 {
        load.more(5).await;
        let flapping = registry.register(instance(&servers[1])).await.unwrap();
        load.more(5).await;
        flapping.deregister().await.unwrap();
    }
    let failures = load.failures().await;
    assert_eq!(count(&failures), 0, "{failures:?}");
    let mut watched = registry.watch(&Wanted::app(APP));
    let address = servers[0].address.to_string();
    soon(watched.wait_for(|list| matches!(&**list, [only] if only.address == address))).await.unwrap();
    assert!(steady.is_held());
}

async fn serve() -> Running {
    Running::start(Server::new().add(OrdersServer::new(Shop::default()))).await
}

/// How much later everything arrives through the slow line, in each direction.
const LATER: Duration = Duration::from_millis(300);

/// A line to a store on which everything takes long.
async fn slow(endpoint: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (near, _) = listener.accept().await.unwrap();
            let (from_near, to_near) = near.into_split();
            let (from_far, to_far) = TcpStream::connect(&endpoint).await.unwrap().into_split();
            tokio::spawn(carry(from_near, to_far));
            tokio::spawn(carry(from_far, to_near));
        }
    });
    address
}

async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        sleep(LATER).await;
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_slow_is_as_good_as_another() {
    let Some(store) = Etcd::start("faults-slow") else { return };
    let endpoint = store.endpoints().remove(0);
    let server = serve().await;
    let instance = Instance::new(APP, server.address.to_string());
    let (near, beyond) = (registry(&endpoint), registry(&slow(endpoint.clone()).await));
    let mut watched = near.watch(&Wanted::app(APP));

    let begun = Instant::now();
    let registered = beyond.register(instance).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(4), "an app starts: {:?}", begun.elapsed());
    eventually("it is registered", || registered.is_held()).await;
    soon(watched.wait_for(|list| list.len() == 1)).await.unwrap();
    let client = OrdersClient::find(&beyond).unwrap();
    let load = Load::start(&client, What::Import, 4);
    watched.mark_unchanged();
    sleep(2 * TTL).await;
    assert!(!watched.has_changed().unwrap(), "its signs of life come in time");
    load.more(20).await;
    let failures = load.failures().await;
    assert_eq!(count(&failures), 0, "{failures:?}");
    registered.deregister().await.unwrap();
    soon(watched.wait_for(|list| list.is_empty())).await.unwrap();
}
