//! All four kinds of methods, over TCP and in process.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::time::Duration;

use jovian_runtime::stream::{self, StreamExt as _};
use jovian_runtime::{CallError, CallOptions, Code, ReplyMetadata};
use support::{OrdersClient, OrdersError, Shop, amounts, get, order, shop, soon, watch};

async fn unary(client: &OrdersClient) {
    assert_eq!(soon(client.get_order(get("42"))).await.unwrap().id, "42");
}

async fn server_stream(client: &OrdersClient) {
    let replies = soon(client.watch(watch("", 1000))).await.unwrap();
    assert_eq!(soon(amounts(replies)).await.unwrap(), (0..1000).collect::<Vec<_>>());
    let forwarded = soon(client.watch(watch("forward", 3))).await.unwrap();
    assert_eq!(soon(amounts(forwarded)).await.unwrap(), [0, 1, 2]);
    let none = soon(client.watch(watch("", 0))).await.unwrap();
    assert_eq!(soon(amounts(none)).await.unwrap(), [0_u64; 0]);
}

async fn server_stream_that_fails(client: &OrdersClient) {
    let refused = soon(client.watch(watch("refuse", 0))).await.unwrap_err();
    assert!(matches!(refused, CallError::Domain(OrdersError::OutOfStock)), "{refused:?}");

    let mut broken = soon(client.watch(watch("break", 2))).await.unwrap();
    assert_eq!(soon(broken.next()).await.unwrap().unwrap().amount, 0);
    assert_eq!(soon(broken.next()).await.unwrap().unwrap().amount, 1);
    let error = soon(broken.next()).await.unwrap().unwrap_err();
    assert!(matches!(error, CallError::Domain(OrdersError::OrderNotFound { id }) if id == "7"));
    assert!(soon(broken.next()).await.is_none());
}

async fn client_stream(client: &OrdersClient) {
    let summary =
        soon(client.import(stream::iter((1..=1000).map(|amount| order("", amount))))).await.unwrap();
    assert_eq!((summary.count, summary.amount), (1000, 500_500));
    assert_eq!(soon(client.import(stream::empty())).await.unwrap().count, 0);

    // The server need not read to the end.
    let endless = stream::iter([order("sold", 1)]).chain(stream::pending());
    let error = soon(client.import(endless)).await.unwrap_err();
    assert!(matches!(error, CallError::Domain(OrdersError::OutOfStock)), "{error:?}");
}

async fn bidi(client: &OrdersClient) {
    let (send, requests) = futures_channel();
    let mut replies = soon(client.chat(requests)).await.unwrap();
    for amount in 1..=3 {
        send.send(order("line", amount)).unwrap();
        assert_eq!(soon(replies.next()).await.unwrap().unwrap(), order("line", amount * 2), "one at a time");
    }
    // Half-close: the client is done, the server has a last word.
    drop(send);
    assert_eq!(soon(replies.next()).await.unwrap().unwrap().id, "bye");
    assert!(soon(replies.next()).await.is_none());
}

fn futures_channel() -> (
    tokio::sync::mpsc::UnboundedSender<support::Order>,
    impl stream::Stream<Item = support::Order> + Send + 'static,
) {
    let (send, mut receive) = tokio::sync::mpsc::unbounded_channel();
    (send, stream::poll_fn(move |cx| receive.poll_recv(cx)))
}

async fn metadata(client: &OrdersClient) {
    let reply = ReplyMetadata::new();
    let options =
        CallOptions::new().metadata("x-lane", "canary").capture(&reply).timeout(Duration::from_secs(5));
    soon(client.with(options).get_order(get("meta"))).await.unwrap();
    assert_eq!(reply.header("x-seen").as_deref(), Some("canary"));
    assert_eq!(reply.trailer("x-after").as_deref(), Some("tail"));

    let error = soon(client.get_order(get("missing"))).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
}

async fn all(client: OrdersClient) {
    unary(&client).await;
    server_stream(&client).await;
    server_stream_that_fails(&client).await;
    client_stream(&client).await;
    bidi(&client).await;
    metadata(&client).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_over_tcp() {
    let (running, client, _) = shop().await;
    all(client).await;
    assert_eq!(running.stats.in_flight(), 0);
}

#[tokio::test]
async fn every_kind_in_process() {
    all(OrdersClient::local(Shop::default())).await;
}

#[tokio::test]
async fn a_large_message_passes_and_too_large_a_one_says_so() {
    let (_running, client, _) = shop().await;
    let big = "x".repeat(6 << 20);
    let mut replies = soon(client.chat(stream::iter([order(&big, 1)]))).await.unwrap();
    assert_eq!(soon(replies.next()).await.unwrap().unwrap().id.len(), big.len());

    let error = soon(client.import(stream::iter([order(&"x".repeat(9 << 20), 1)]))).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted, "{error}");
}

#[test]
fn futures_of_clients_are_send() {
    fn send<T: Send>(_: T) {}
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let client = OrdersClient::local(Shop::default());
        send(client.get_order(get("1")));
        send(client.watch(watch("", 1)));
        send(client.import(stream::empty()));
        send(client.chat(stream::empty()));
        let mut replies = client.watch(watch("", 1)).await.unwrap();
        send(replies.next());
        send(amounts(replies));
    });
}
