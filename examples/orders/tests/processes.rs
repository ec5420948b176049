//! The shop as it runs: two programs that find each other in a folder, and one of them dies.

#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use jovian_runtime::registry::Instances;
use jovian_runtime::{App, AppConfig, Code, RegistryKind};
use tokio::sync::watch;
use tokio::time::timeout;

use orders::orders_api::{ORDERS, OrdersClient, PlaceOrderRequest};
use orders::stock_api::STOCK;

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

fn folder() -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shop-registry");
    let _nothing_there = std::fs::remove_dir_all(&path);
    path
}

fn lamp() -> PlaceOrderRequest {
    PlaceOrderRequest { article: "lamp".to_owned(), pieces: 1 }
}

#[tokio::test]
async fn two_programs_find_each_other_and_outlive_each_other() {
    let folder = folder();
    let app = app(&folder);
    let (mut stocks, mut shops) = (app.registry().watch(STOCK.app), app.registry().watch(ORDERS.app));
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
