//! How large a message may be: both ways, on both sides, with and without compression.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use bytes::Bytes;
use jovian_runtime::stream;
use jovian_runtime::{CallError, CallOptions, Code, Server, Status};
use support::raw::Raw;
use support::{OrdersClient, OrdersError, OrdersServer, Running, Shop, amounts, get, order, soon, watch};

const GET: &str = "/shop.orders.v1.Orders/GetOrder";
const DEFAULT: usize = 8 * 1024 * 1024;

async fn served(server: Server) -> (Running, OrdersClient) {
    let running = Running::start(server.add(OrdersServer::new(Shop::default()))).await;
    let client = OrdersClient::connect(running.url()).unwrap();
    (running, client)
}

fn told<T: std::fmt::Debug>(result: Result<T, CallError<OrdersError>>) -> String {
    let status = result.unwrap_err().into_status();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    status.message().to_owned()
}

/// An id that makes a request of exactly so many bytes.
fn id(size: usize) -> String {
    let prefix = 1 + prost::length_delimiter_len(size - 4);
    let id = "x".repeat(size - prefix);
    assert_eq!(prost::Message::encoded_len(&get(&id)), size);
    id
}

#[tokio::test]
async fn each_side_and_each_way_has_its_limit() {
    let server = || Server::new().max_message(30_000).max_reply(30_000);
    let (_running, client) = served(server()).await;
    soon(client.get_order(get(&id(20_000)))).await.unwrap();
    assert_eq!(
        told(soon(client.get_order(get(&id(30_001)))).await),
        "the request has 30001 bytes, more than the 30000 that this server reads (`max_message`)"
    );
    let (_running, client) = served(Server::new().max_reply(20_000)).await;
    // The reply has the time that is left, too: 3 bytes.
    assert_eq!(
        told(soon(client.get_order(get(&id(20_000)))).await),
        "the reply has 20003 bytes, more than the 20000 that this server sends (`max_reply`)"
    );
    let few = client.with(CallOptions::new().max_request(10_000).max_reply(5_000));
    assert_eq!(
        told(soon(few.get_order(get(&id(10_001)))).await),
        "the request has 10001 bytes, more than the 10000 that this client sends (`CallOptions::max_request`)"
    );
    assert_eq!(
        told(soon(few.get_order(get(&id(5_000)))).await),
        "the reply has 5003 bytes, more than the 5000 that this client reads (`CallOptions::max_reply`)"
    );
}

#[tokio::test]
async fn messages_of_streams_have_the_same_limits() {
    let (_running, client) = served(Server::new().max_message(1000)).await;
    let large = || stream::iter([order("", 1), order(&"x".repeat(2000), 2)]);
    let text = told(soon(client.import(large())).await);
    assert_eq!(text, "the request has 2005 bytes, more than the 1000 that this server reads (`max_message`)");
    let few = client.with(CallOptions::new().max_request(1000));
    let text = told(soon(few.import(large())).await);
    assert!(text.ends_with("this client sends (`CallOptions::max_request`)"), "{text}");
    let (_running, client) = served(Server::new().max_reply(1000)).await;
    // What went before arrives; the error is the end. The first one has no amount and is two bytes smaller.
    let replies = soon(client.watch(watch(&"x".repeat(997), 2))).await.unwrap();
    let text = told(soon(amounts(replies)).await);
    assert_eq!(text, "the reply has 1002 bytes, more than the 1000 that this server sends (`max_reply`)");
    let few = client.with(CallOptions::new().max_reply(100));
    let replies = soon(few.watch(watch(&"x".repeat(500), 2))).await.unwrap();
    let text = told(soon(amounts(replies)).await);
    assert!(text.ends_with("this client reads (`CallOptions::max_reply`)"), "{text}");
}

#[tokio::test]
async fn eight_mebibytes_are_the_default() {
    let (_running, client) = served(Server::new()).await;
    let text = told(soon(client.get_order(get(&id(DEFAULT + 1)))).await);
    assert!(text.contains("8388609 bytes") && text.contains("this client sends"), "{text}");
    let willing = client.with(CallOptions::new().max_request(usize::MAX));
    let text = told(soon(willing.get_order(get(&id(DEFAULT + 1)))).await);
    assert!(text.contains("8388609 bytes") && text.contains("this server reads"), "{text}");
    let text = told(soon(client.get_order(get(&id(DEFAULT)))).await);
    assert!(text.contains("8388611 bytes") && text.contains("this server sends"), "{text}");

    let (_running, client) = served(Server::new().max_message(DEFAULT * 2).max_reply(DEFAULT * 2)).await;
    let willing = client.with(CallOptions::new().max_request(DEFAULT * 2));
    let text = told(soon(willing.get_order(get(&id(DEFAULT)))).await);
    assert!(text.contains("8388611 bytes") && text.contains("this client reads"), "{text}");
    let willing = willing.with(CallOptions::new().max_reply(DEFAULT * 2));
    assert_eq!(soon(willing.get_order(get(&id(DEFAULT + 1)))).await.unwrap().id.len(), id(DEFAULT + 1).len());
}

#[tokio::test]
async fn within_a_process_nothing_is_too_large_unless_somebody_says_so() {
    let client = OrdersClient::local(Shop::default());
    let willing = client.with(CallOptions::new().max_request(usize::MAX).max_reply(usize::MAX));
    assert_eq!(soon(willing.get_order(get(&id(DEFAULT + 1)))).await.unwrap().id.len(), id(DEFAULT + 1).len());
}

#[tokio::test]
async fn an_announced_size_is_refused_before_anything_came() {
    let (running, _) = served(Server::new()).await;
    let mut raw = Raw::connect(&running).await;
    // The largest length that a frame can have, and one byte of it.
    let body = Bytes::from_static(b"\0\xff\xff\xff\xff?");
    let whole = soon(raw.send(Raw::request(GET, body, &[]))).await;
    let status = Status::from_header_map(&whole.headers).unwrap();
    assert_eq!((status.code(), status.message().contains("4294967295")), (Code::ResourceExhausted, true));
}
