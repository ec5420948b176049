//! An app that runs until its process is told to end: in a process of its own, with real signals.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]
#![cfg(unix)]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use jovian_runtime::App;
use jovian_runtime::registry::{Instance, Instances, NoRegistry, Registration, Registry, RegistryError};
use support::process::{CHILD, Process};
use support::{OrdersClient, OrdersServer, Shop, get, soon};
use tokio::sync::watch;

/// Tells the parent where the child listens.
#[derive(Debug)]
struct Printing;

impl Registry for Printing {
    #[expect(clippy::print_stdout, reason = "the parent reads it")]
    fn register(&self, instance: Instance) -> BoxFuture<'_, Result<Registration, RegistryError>> {
        println!("registers {} end", instance.address);
        Box::pin(async { NoRegistry.register(instance).await })
    }

    fn watch(&self, app: &str) -> watch::Receiver<Instances> {
        NoRegistry.watch(app)
    }
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the parent reads it")]
async fn child_runs_an_app() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let app = App::from_config().unwrap().with_registry(Arc::new(Printing));
    match app.serve(OrdersServer::new(Shop::default())).run().await {
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
