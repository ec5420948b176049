//! The shop as it runs: two programs that find each other in a folder, and one of them dies.

#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use jovian_runtime::registry::{Instances, Wanted};
use jovian_runtime::{App, AppConfig, CallError, Code, RegistryKind};
use tokio::sync::watch;
use tokio::time::timeout;

use orders::orders_api::{ORDERS, OrdersClient, PlaceOrderRequest};
use orders::stock_api::{ReserveRequest, STOCK, StockClient, StockError};

/// A running program that ends with the test, however that ends.
struct Program(Child);

impl Program {
    fn start(program: &str, registry: &Path) -> Self {
        let child = Command::new(program)
            .env("JOVIAN_REGISTRY__PATH", registry)
            .env("JOVIAN_LOG__LEVEL", "warn")
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .spawn();
        Self(child.expect("it starts"))
    }

    fn stock(registry: &Path) -> Self {
        Self::start(env!("CARGO_BIN_EXE_stock"), registry)
    }

    fn orders(registry: &Path) -> Self {
        Self::start(env!("CARGO_BIN_EXE_orders"), registry)
    }
}

impl Program {
    /// Tells it to end, and waits until it has, well.
    fn end(mut self) {
        let told = Command::new("kill").args(["-s", "TERM", &self.0.id().to_string()]).status();
        assert!(told.expect("kill runs").success());
        assert!(self.0.wait().expect("it ends").success());
    }
}

impl Drop for Program {
    /// The hard way: nobody is told.
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// An app of this process that looks into the same folder.
fn app(registry: &Path) -> App {
    let mut config = AppConfig::default();
    config.registry.kind = RegistryKind::File;
    config.registry.path = Some(registry.to_owned());
    App::new(config)
}

/// Waits for so many instances; the seconds are for slow machines.
async fn become_known(watched: &mut watch::Receiver<Instances>, number: usize) {
    let known = timeout(Duration::from_secs(20), watched.wait_for(|list| list.len() == number)).await;
    known.expect("they are known in time").expect("the registry is there");
}

fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("registry").join(name);
    let _nothing_there = std::fs::remove_dir_all(&path);
    path
}

fn lamp() -> PlaceOrderRequest {
    PlaceOrderRequest { article: "lamp".to_owned(), pieces: 1 }
}

#[tokio::test]
async fn two_programs_find_each_other_and_outlive_each_other() {
    let folder = folder("find");
    let app = app(&folder);
    let (mut stocks, mut shops) =
        (app.registry().watch(&Wanted::of(&STOCK)), app.registry().watch(&Wanted::of(&ORDERS)));
    let client = OrdersClient::discover(&app).expect("a registry");

    // Orders first: whether a service that it calls is there yet is a question for its calls.
    let _orders = Program::orders(&folder);
    become_known(&mut shops, 1).await;
    let stock = Program::stock(&folder);
    become_known(&mut stocks, 1).await;
    let placed = client.place_order(lamp()).await.expect("there are three").order.expect("an order");
    assert_eq!(placed.price.expect("a price").amount, 4_900);

    drop(stock);
    become_known(&mut stocks, 0).await;
    let error = client.place_order(lamp()).await.expect_err("the stock is gone");
    assert_eq!(error.code(), Code::Unavailable, "{error}");

    let _stock = Program::stock(&folder);
    become_known(&mut stocks, 1).await;
    // The orders may hear of it a moment later than this process.
    let again = async { while client.place_order(lamp()).await.is_err() {} };
    timeout(Duration::from_secs(20), again).await.expect("another stock is found, at another port");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_that_are_replaced_under_load_lose_no_call() {
    let folder = folder("replaced");
    let app = app(&folder);
    let mut stocks = app.registry().watch(&Wanted::of(&STOCK));
    let client = StockClient::discover(&app).expect("a registry");
    let mut running = [Program::stock(&folder), Program::stock(&folder)];
    become_known(&mut stocks, 2).await;

    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let caller = |_| {
        let (client, stop, answered) = (client.clone(), Arc::clone(&stop), Arc::clone(&answered));
        tokio::spawn(async move {
            while !stop.load(SeqCst) {
                // That nothing is left is an answer, too.
                match client.reserve(ReserveRequest { article: "lamp".to_owned(), pieces: 9 }).await {
                    Err(CallError::Domain(StockError::OutOfStock { .. })) => answered.fetch_add(1, SeqCst),
                    other => panic!("{other:?}"),
                };
            }
        })
    };
    let callers: Vec<_> = (0..4).map(caller).collect();
    for round in 0..4 {
        let new = Program::stock(&folder);
        become_known(&mut stocks, 3).await;
        let old = std::mem::replace(&mut running[round % 2], new);
        tokio::task::block_in_place(|| old.end());
        become_known(&mut stocks, 2).await;
    }
    stop.store(true, SeqCst);
    for caller in callers {
        caller.await.expect("no call fails");
    }
    assert!(answered.load(SeqCst) > 100, "{answered:?}");
}
