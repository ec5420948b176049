//! The shop: over TCP with discovery, and one service of it in process.

use std::sync::Arc;

use jovian_runtime::registry::MemoryRegistry;
use jovian_runtime::stream::{self, StreamExt};
use jovian_runtime::{App, AppConfig, CallError, Code, Running};

use orders::orders_api::{
    GetOrderRequest, Order, OrdersClient, OrdersError, PlaceOrderRequest, TrackRequest, WatchRequest,
};
use orders::stock_api::{StockClient, StockError};
use orders::{OrdersService, StockService};

/// A shop that runs in this process, and a client that has found it.
async fn shop() -> (Running, OrdersClient) {
    let mut config = AppConfig::default();
    config.server.address = "127.0.0.1:0".to_owned();
    config.server.stop_wait_ms = 0;
    // A registry of its own, as the tests of this file run in one process.
    let app = App::new(config).with_registry(Arc::new(MemoryRegistry::new()));
    let client = OrdersClient::discover(&app).expect("a registry");
    let shop = orders::serve_stock(orders::serve_orders(app).expect("a registry"));
    let running = shop.start().await.expect("it starts");
    (running, client)
}

/// Orders in process, with a stock in process.
fn local() -> OrdersClient {
    OrdersClient::local(OrdersService::new(StockClient::local(StockService::default())))
}

fn lamps(pieces: u32) -> PlaceOrderRequest {
    PlaceOrderRequest { article: "lamp".to_owned(), pieces }
}

fn imported(id: &str) -> Order {
    Order { id: id.to_owned(), article: "lamp".to_owned(), pieces: 1, price: None }
}

#[tokio::test]
async fn an_order_is_placed_found_and_watched() {
    let (running, client) = shop().await;
    let placed = client.place_order(lamps(2)).await.expect("there are three").order.expect("an order");
    assert_eq!(placed.price.as_ref().expect("a price").amount, 9_800);
    let found = client.get_order(GetOrderRequest { id: placed.id.clone() }).await.expect("it is there");
    assert_eq!(found.order, Some(placed.clone()));

    let mut events = client.watch(WatchRequest { once: false }).await.expect("a stream");
    assert_eq!(events.next().await.expect("an event").expect("no error").order, Some(placed));
    client.place_order(lamps(1)).await.expect("there is one left");
    assert_eq!(events.next().await.expect("an event").expect("no error").order.expect("an order").id, "2");
    drop(events);
    running.stop().await.expect("it stops");
}

#[tokio::test]
async fn errors_are_values_on_both_sides() {
    let (running, client) = shop().await;
    let error = client.get_order(GetOrderRequest { id: "7".to_owned() }).await.expect_err("there is none");
    assert_eq!(error.domain(), Some(&OrdersError::OrderNotFound { id: "7".to_owned() }));
    let error = client.place_order(lamps(0)).await.expect_err("nothing was ordered");
    assert_eq!(error.domain(), Some(&OrdersError::NoPieces));

    // The stock's error has come through the orders as it was.
    let error = client.place_order(lamps(9)).await.expect_err("there are three");
    assert_eq!(error.code(), Code::FailedPrecondition);
    let stock = CallError::<StockError>::from_status(error.into_status());
    let expected = StockError::OutOfStock { article: "lamp".to_owned(), left: "3".to_owned() };
    assert_eq!(stock.domain(), Some(&expected));
    running.stop().await.expect("it stops");
}

#[tokio::test]
async fn many_orders_are_imported_at_once() {
    let client = local();
    let taken = client.import(stream::iter(["a", "b", "c"].map(imported))).await.expect("all are new");
    assert_eq!(taken.taken, 3);
    let error = client.import(stream::iter(["d", "a", "e"].map(imported))).await.expect_err("one is there");
    assert_eq!(error.domain(), Some(&OrdersError::OrderExists { id: "a".to_owned() }));
}

#[tokio::test]
async fn questions_are_answered_one_by_one() {
    let client = local();
    client.import(stream::iter(["a"].map(imported))).await.expect("it is new");
    let questions = ["a", "b"].map(|id| TrackRequest { id: id.to_owned() });
    let answers = client.track(stream::iter(questions)).await.expect("a stream");
    let known: Vec<bool> = answers.map(|answer| answer.expect("no error").known).collect().await;
    assert_eq!(known, [true, false]);
}
