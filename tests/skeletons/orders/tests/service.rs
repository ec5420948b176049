//! The service, called through its client: in this process, and over TCP.

use jovian_runtime::{App, AppConfig};

use orders::{OrdersService, v1};

/// Calls the service in this process, through the same stack as over the network.
fn local() -> v1::OrdersClient {
    v1::OrdersClient::local(OrdersService::default())
}

fn get(id: &str) -> v1::GetOrderRequest {
    v1::GetOrderRequest { id: id.to_owned() }
}

#[tokio::test]
async fn a_known_order_is_returned() {
    let response = local().get_order(get("1")).await.expect("an answer");
    assert_eq!(response.order.expect("it is set").id, "1");
}

#[tokio::test]
async fn an_unknown_order_is_an_error_with_its_id() {
    let error = local().get_order(get("2")).await.expect_err("there is none");
    let expected = v1::OrdersError::OrderNotFound { id: "2".into() };
    assert_eq!(error.domain(), Some(&expected));
    assert_eq!(error.to_string(), "ORDER_NOT_FOUND (10001): no order 2");
}

#[tokio::test]
async fn an_id_is_needed() {
    let error = local().get_order(get("")).await.expect_err("no id");
    assert_eq!(error.domain(), Some(&v1::OrdersError::OrderIdMissing));
}

#[tokio::test]
async fn events_are_streamed() {
    let mut events = local().watch(v1::WatchRequest { limit: 0 }).await.expect("a stream");
    let mut seen = 0;
    while let Some(event) = events.next().await {
        assert!(event.expect("an event").order.is_some());
        seen += 1;
    }
    assert_eq!(seen, 1);
}

#[tokio::test]
async fn it_answers_over_tcp() {
    let mut config = AppConfig::default();
    // Any free port; and nobody has to be told that it goes away.
    config.server.address = "127.0.0.1:0".to_owned();
    config.server.stop_wait_ms = 0;
    let service = v1::OrdersServer::new(OrdersService::default());
    let running = App::new(config).serve(service).start().await.expect("it starts");

    let target = format!("http://{}", running.address());
    let client = v1::OrdersClient::connect(&target).expect("an address");
    let response = client.get_order(get("1")).await.expect("an answer");
    assert_eq!(response.order.expect("it is set").id, "1");
    let error = client.get_order(get("2")).await.expect_err("there is none");
    assert!(error.domain().is_some(), "{error}");

    running.stop().await.expect("it stops");
}
