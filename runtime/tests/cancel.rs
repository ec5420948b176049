//! Callers that go away: the handler is dropped, the call is counted once, and half an upload is no upload.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::StreamBody;
use hyper_util::rt::{TokioExecutor, TokioIo};
use jovian_runtime::stream::{self, StreamExt as _};
use jovian_runtime::{Code, Server};
use support::raw::framed;
use support::{OrdersClient, OrdersServer, Running, Shop, eventually, get, order, shop, soon, watch};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_call_drops_its_handler_and_is_counted_once() {
    let (running, client, traces) = shop().await;
    assert!(timeout(Duration::from_millis(50), client.get_order(get("slow"))).await.is_err());
    eventually("a unary handler is dropped", || traces.dropped.load(SeqCst) == 1).await;

    // Before the headers, and after them.
    assert!(timeout(Duration::from_millis(50), client.watch(watch("quiet", 0))).await.is_err());
    eventually("a quiet handler is dropped", || traces.dropped.load(SeqCst) == 2).await;
    let mut replies = soon(client.watch(watch("stuck", 0))).await.unwrap();
    soon(replies.next()).await.unwrap().unwrap();
    drop(replies);
    eventually("a streaming handler is dropped", || traces.dropped.load(SeqCst) == 3).await;

    let endless = stream::iter([order("", 1)]).chain(stream::pending());
    assert!(timeout(Duration::from_millis(50), client.import(endless)).await.is_err());
    eventually("an importing handler is dropped", || traces.dropped.load(SeqCst) == 4).await;

    // A call whose requests never end, after its first reply.
    let endless = stream::iter([order("", 1)]).chain(stream::pending());
    let mut replies = soon(client.chat(endless)).await.unwrap();
    soon(replies.next()).await.unwrap().unwrap();
    drop(replies);
    eventually("a chatting handler is dropped", || traces.dropped.load(SeqCst) == 5).await;

    eventually("all are counted", || running.stats.in_flight() == 0).await;
    let stats = &running.stats;
    assert_eq!((stats.finished(Code::Cancelled), stats.total()), (5, 5), "{stats:?}");
    assert_eq!((traces.begun.load(SeqCst), traces.completed.load(SeqCst)), (5, 0));
    // The connection carries on.
    assert_eq!(soon(client.get_order(get("1"))).await.unwrap().id, "1");
}

#[tokio::test]
async fn a_dropped_call_in_process_drops_its_handler() {
    let shop = Shop::default();
    let traces = shop.traces.clone();
    let client = OrdersClient::local(shop);
    assert!(timeout(Duration::from_millis(20), client.get_order(get("slow"))).await.is_err());
    assert_eq!(traces.dropped.load(SeqCst), 1);
    let replies = soon(client.watch(watch("open", 0))).await.unwrap();
    drop(replies);
    assert_eq!((traces.begun.load(SeqCst), traces.dropped.load(SeqCst)), (2, 2));
}

/// Begins an upload of one whole message; the rest of the body is up to the channel.
async fn upload(
    running: &Running,
) -> (tokio::sync::mpsc::UnboundedSender<Result<Bytes, std::io::Error>>, Upload) {
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let (near, mut far) = tokio::io::duplex(1 << 16);
    let cable = tokio::spawn(async move { drop(tokio::io::copy_bidirectional(&mut far, &mut stream).await) });
    let (mut send, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(near)).await.unwrap();
    tokio::spawn(async move { drop(connection.await) });
    let (body, mut parts) = tokio::sync::mpsc::unbounded_channel::<Result<Bytes, std::io::Error>>();
    body.send(Ok(framed(&order("", 5)))).unwrap();
    let parts = stream::poll_fn(move |cx| parts.poll_recv(cx)).map(|part| part.map(http_body::Frame::data));
    let request = Request::post("http://shop/shop.orders.v1.Orders/Import")
        .header(header::CONTENT_TYPE, "application/grpc")
        .body(StreamBody::new(parts))
        .unwrap();
    let response = tokio::spawn(async move {
        drop(send.send_request(request).await);
        drop(send);
    });
    (body, Upload { cable, response })
}

struct Upload {
    cable: tokio::task::JoinHandle<()>,
    response: tokio::task::JoinHandle<()>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_an_upload_is_no_upload() {
    let shop = Shop::default();
    let traces = shop.traces.clone();
    let running = Running::start(Server::new().add(OrdersServer::new(shop))).await;

    // The caller resets the stream because its own source failed.
    let (body, _upload) = upload(&running).await;
    eventually("the first message came", || traces.messages.load(SeqCst) == 1).await;
    body.send(Err(std::io::Error::other("the disk is gone"))).unwrap();
    eventually("the handler is dropped", || traces.dropped.load(SeqCst) == 1).await;

    // The caller gives the call up.
    let (_body, upload_two) = upload(&running).await;
    eventually("the first message came", || traces.messages.load(SeqCst) == 2).await;
    upload_two.response.abort();
    eventually("the handler is dropped", || traces.dropped.load(SeqCst) == 2).await;

    // The connection breaks.
    let (_body, upload_three) = upload(&running).await;
    eventually("the first message came", || traces.messages.load(SeqCst) == 3).await;
    upload_three.cable.abort();
    eventually("the handler is dropped", || traces.dropped.load(SeqCst) == 3).await;

    eventually("all are counted", || running.stats.in_flight() == 0).await;
    assert_eq!(traces.completed.load(SeqCst), 0, "none of them was taken for a whole one");
    assert_eq!((running.stats.finished(Code::Cancelled), running.stats.total()), (3, 3));
}

#[tokio::test]
async fn a_body_that_ends_within_a_message_or_makes_no_sense_ends_the_call() {
    let shop = Shop::default();
    let traces = shop.traces.clone();
    let running = Running::start(Server::new().add(OrdersServer::new(shop))).await;
    let mut raw = support::raw::Raw::connect(&running).await;
    let whole = framed(&order("four", 4));
    let cut = whole.slice(..whole.len() - 2);
    let nonsense = Bytes::from_static(&[0, 0, 0, 0, 2, 0xff, 0xff]);
    let none = Bytes::new();
    let two = Bytes::from([framed(&get("1")), framed(&get("2"))].concat());
    for (path, body, code) in [
        ("Import", cut.clone(), Code::Internal),
        ("Import", nonsense.clone(), Code::Internal),
        ("GetOrder", cut, Code::Internal),
        ("GetOrder", nonsense, Code::Internal),
        ("GetOrder", none, Code::Unimplemented),
        ("GetOrder", two, Code::Unimplemented),
    ] {
        let path = format!("/shop.orders.v1.Orders/{path}");
        let whole = raw.send(support::raw::Raw::request(&path, body, &[])).await;
        let status = tonic::Status::from_header_map(&whole.headers).expect("only trailers");
        assert_eq!(status.code(), code, "{path}: {status}");
    }
    sleep(Duration::from_millis(20)).await;
    assert_eq!((traces.completed.load(SeqCst), running.stats.in_flight()), (0, 0));
}
