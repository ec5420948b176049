//! An app that runs until its process is told to end: in a process of its own, with real signals.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]
#![cfg(unix)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use jovian_runtime::registry::{
    Instance, Instances, Lease, MemoryRegistry, NoRegistry, Registration, Registry, RegistryError, Wanted,
};
use jovian_runtime::{App, AppConfig, Code};
use support::process::{CHILD, Process};
use support::{OrdersClient, OrdersServer, Shop, get, soon};
use tokio::sync::watch;

/// Tells the parent where the child listens, and when it is gone.
#[derive(Debug)]
struct Printing;

impl Registry for Printing {
    #[expect(clippy::print_stdout, reason = "the parent reads it")]
    fn register(&self, instance: Instance) -> BoxFuture<'_, Result<Registration, RegistryError>> {
        println!("registers {} end", instance.address);
        Box::pin(async { Ok(Registration::new(Self)) })
    }

    fn watch(&self, wanted: &Wanted) -> watch::Receiver<Instances> {
        NoRegistry.watch(wanted)
    }
}

impl Lease for Printing {
    #[expect(clippy::print_stdout, reason = "the parent reads it")]
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), RegistryError>> {
        println!("leaves");
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the parent reads it")]
async fn child_runs_an_app() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let app = App::from_config().unwrap().with_registry(Arc::new(Printing));
    let app = app.serve(OrdersServer::new(Shop::default()));
    let stats = app.stats();
    let ended = app.run().await;
    println!("answered {} end", stats.finished(Code::Ok));
    match ended {
        Ok(()) => println!("ended well"),
        Err(error) => println!("ended because {error}"),
    }
}

fn start() -> Process {
    Process::start("child_runs_an_app", &[])
}

#[tokio::test]
async fn told_to_end_it_finishes_what_it_does() {
    for signal in ["TERM", "INT"] {
        let process = start();
        let client = OrdersClient::connect(&process.address).unwrap();
        soon(client.get_order(get("1"))).await.unwrap();
        let call = tokio::spawn(async move { client.get_order(get("nap")).await });
        tokio::time::sleep(Duration::from_millis(50)).await;
        process.signal(signal);
        assert_eq!(soon(call).await.unwrap().unwrap().id, "nap");
        let log = tokio::task::spawn_blocking(|| process.ended()).await.unwrap();
        assert_eq!(
            log,
            [
                "registered",
                "told to end",
                "stopping: not serving",
                "deregistered",
                "draining",
                "stopped",
                "ended well"
            ]
        );
    }
}

#[tokio::test]
async fn told_a_second_time_it_ends_at_once() {
    let process = start();
    let client = OrdersClient::connect(&process.address).unwrap();
    let call = tokio::spawn(async move { client.get_order(get("slow")).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    process.signal("TERM");
    tokio::time::sleep(Duration::from_millis(200)).await;
    process.signal("TERM");
    let log = tokio::task::spawn_blocking(|| process.ended()).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(1), "the call had two seconds, and the drain ten");
    assert_eq!(log.last().unwrap(), "ended because interrupted while it was stopping");
    assert!(soon(call).await.unwrap().is_err());
}

/// A child that the clients of the parent find.
struct Found {
    process: Process,
    registration: Registration,
}

impl Found {
    async fn start(registry: &MemoryRegistry) -> Self {
        let start = || Process::start("child_runs_an_app", &[("JOVIAN_SERVER__STOP_WAIT_MS", "300")]);
        let process = tokio::task::spawn_blocking(start).await.unwrap();
        let instance = Instance::new("shop.order.orders", &process.address);
        let registration = registry.register(instance).await.unwrap();
        Self { process, registration }
    }

    /// Tells it to end, and its callers as soon as it leaves. The number of calls that it answered.
    async fn end(self) -> u64 {
        let Self { process, registration } = self;
        process.signal("TERM");
        let process = tokio::task::spawn_blocking(move || {
            process.line_with(&["leaves"]);
            process
        });
        let process = process.await.unwrap();
        registration.deregister().await.unwrap();
        let lines = tokio::task::spawn_blocking(|| process.output()).await.unwrap();
        let answered = |line: &String| line.strip_prefix("answered ")?.strip_suffix(" end")?.parse().ok();
        let answered = lines.iter().find_map(answered);
        answered.unwrap_or_else(|| panic!("{lines:?}"))
    }
}

/// Real processes end one after the other while real clients call them as fast as they can.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_to_end_under_load_it_fails_no_call() {
    const CALLERS: usize = 16;
    let registry = MemoryRegistry::new();
    let (first, second) = (Found::start(&registry).await, Found::start(&registry).await);
    let consumer = App::new(AppConfig::default()).with_registry(Arc::new(registry.clone()));
    let client = OrdersClient::discover(&consumer).unwrap();
    let (done, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let callers = (0..CALLERS).map(|caller| {
        let (client, done, answered) = (client.clone(), Arc::clone(&done), Arc::clone(&answered));
        // Some calls are long, so that there are always some that run when the signal comes.
        let id = if caller % 4 == 0 { "nap" } else { "1" };
        tokio::spawn(async move {
            let mut failures = Vec::new();
            while !done.load(SeqCst) {
                match client.get_order(get(id)).await {
                    Ok(_) => drop(answered.fetch_add(1, SeqCst)),
                    Err(error) => failures.push(error.to_string()),
                }
            }
            failures
        })
    });
    let callers: Vec<_> = callers.collect();

    let pause = || tokio::time::sleep(Duration::from_millis(300));
    pause().await;
    let mut served = first.end().await;
    assert!(served > 0, "the first was called");
    let third = Found::start(&registry).await;
    pause().await;
    served += second.end().await;
    pause().await;
    done.store(true, SeqCst);
    for caller in callers {
        assert_eq!(soon(caller).await.unwrap(), [""; 0], "no call failed");
    }
    served += third.end().await;
    assert_eq!(served, answered.load(SeqCst), "what was answered arrived");
    assert!(served > 100, "only {served} calls are no load");
}
