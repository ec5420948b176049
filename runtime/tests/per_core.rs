//! `runtime = "per-core"`: one thread for each core, each with connections of its own.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use jovian_runtime::{Call, CallOptions, Code, Interceptor, Next, Reply, RuntimeKind, Server};
use support::raw::Raw;
use support::{OrdersClient, OrdersServer, Running, Shop, eventually, get, soon, watch};
use tonic::Status;

const GET: &str = "/shop.orders.v1.Orders/GetOrder";

/// Which callers were answered by which thread.
#[derive(Clone, Default)]
struct Threads(Arc<Mutex<BTreeMap<String, Vec<u16>>>>);

impl Interceptor for Threads {
    async fn around(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Status> {
        let name = thread::current().name().unwrap_or_default().to_owned();
        let port = call.peer().unwrap().port();
        self.0.lock().unwrap().entry(name).or_default().push(port);
        next.run(call).await
    }
}

fn server(shop: Shop) -> Server {
    Server::new().add(OrdersServer::new(shop)).runtime(RuntimeKind::PerCore)
}

/// By how many connections the busiest thread has more than the one with the fewest.
fn unevenness(threads: &Threads, connections: usize) -> usize {
    let threads = threads.0.lock().unwrap();
    let cores = thread::available_parallelism().unwrap().get();
    assert!(threads.keys().all(|name| name.starts_with("jovian-core-")), "{threads:?}");
    assert_eq!(threads.len(), cores.min(connections), "every core has some");
    let counts = || threads.values().map(Vec::len);
    assert_eq!(counts().sum::<usize>(), connections);
    counts().max().unwrap() - counts().min().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_spread_evenly() {
    let threads = Threads::default();
    let running = Running::start(server(Shop::default()).intercept(threads.clone())).await;
    let mut connections = Vec::new();
    for _ in 0..40 {
        let mut raw = Raw::connect(&running).await;
        soon(raw.unary(GET, get("1"), &[])).await.unwrap();
        connections.push(raw);
    }
    assert!(unevenness(&threads, 40) <= 1, "{:?}", threads.0);

    // Those that stay count, not those that were: all that one thread has go away, and come back to it.
    let one: Vec<u16> = threads.0.lock().unwrap().values().next().unwrap().clone();
    let before: usize = one.len();
    let mut nth = 0;
    let first_of_two = |_: &Raw| {
        nth += 1;
        nth % thread::available_parallelism().unwrap().get() != 1
    };
    connections.retain(first_of_two);
    let gone = 40 - connections.len();
    assert!(gone.abs_diff(before) <= 1);
    threads.0.lock().unwrap().clear();
    tokio::time::sleep(Duration::from_millis(200)).await;
    for _ in 0..gone {
        connections.push(Raw::connect(&running).await);
    }
    for raw in &mut connections {
        soon(raw.unary(GET, get("2"), &[])).await.unwrap();
    }
    assert!(unevenness(&threads, 40) <= 1, "{:?}", threads.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_graceful_stop_lets_running_calls_finish() {
    let shop = Shop::default();
    let traces = shop.traces.clone();
    let running = Running::start(server(shop)).await;
    let stats = running.stats.clone();
    let mut connections = Vec::new();
    for _ in 0..8 {
        connections.push(Raw::connect(&running).await);
    }
    let calls: Vec<_> = connections
        .into_iter()
        .map(|mut raw| tokio::spawn(async move { raw.unary(GET, get("nap"), &[]).await }))
        .collect();
    eventually("all calls run", || traces.begun.load(SeqCst) == 8).await;
    let stopping = running.stop();
    for call in calls {
        assert_eq!(soon(call).await.unwrap().unwrap().id, "nap");
    }
    assert_eq!(soon(stopping).await.unwrap(), 0, "no connection was cut");
    assert_eq!((stats.finished(Code::Ok), stats.in_flight()), (8, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_does_not_wait_for_ever() {
    let shop = Shop::default();
    let traces = shop.traces.clone();
    let running = Running::drained_for(server(shop), Duration::from_millis(200)).await;
    let client = OrdersClient::connect(running.url()).unwrap();
    let client = client.with(CallOptions::new().without_deadline());
    let mut replies = soon(client.watch(watch("open", 0))).await.unwrap();
    assert_eq!(soon(running.stop()).await.unwrap(), 1, "one connection was cut");
    eventually("the handler is dropped", || traces.dropped.load(SeqCst) == 1).await;
    let error = soon(replies.next()).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "{error}");
}
