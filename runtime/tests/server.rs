//! What a server says to those who are wrong, and how it stops.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::StatusCode;
use jovian_runtime::{Call, CallOptions, Code, Interceptor, Next, Reply, ReplyMetadata, Server};
use support::raw::{Raw, framed};
use support::{OrdersClient, OrdersServer, Running, Shop, eventually, get, shop, soon, watch};
use tokio::net::TcpStream;
use tonic::Status;

const GET: &str = "/shop.orders.v1.Orders/GetOrder";

#[tokio::test]
async fn unknown_paths_are_unimplemented() {
    let (running, ..) = shop().await;
    let mut raw = Raw::connect(&running).await;
    for path in
        ["/shop.orders.v1.Orders/Nope", "/other.Service/GetOrder", "/", "/shop.orders.v1.Orders/GetOrder/"]
    {
        let whole = raw.send(Raw::request(path, framed(&get("1")), &[])).await;
        let status = Status::from_header_map(&whole.headers).unwrap();
        assert_eq!((whole.http, status.code()), (StatusCode::OK, Code::Unimplemented));
        assert_eq!(status.message(), format!("no such method: {path}"));
    }
    assert_eq!(running.stats.total(), 0);
}

#[tokio::test]
async fn what_is_no_grpc_is_told_so_in_http() {
    let (running, ..) = shop().await;
    let mut raw = Raw::connect(&running).await;
    let kind = |kind| Raw::request(GET, framed(&get("1")), &[("content-type", kind)]);
    for wrong in ["application/json", "application/grpc-web", "application/grpc+json", "text/plain"] {
        assert_eq!(raw.send(kind(wrong)).await.http, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{wrong}");
    }
    for right in ["application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8"] {
        let whole = raw.send(kind(right)).await;
        assert_eq!(
            (whole.http, &whole.trailers["grpc-status"]),
            (StatusCode::OK, &"0".parse().unwrap()),
            "{right}"
        );
        assert_eq!(whole.headers["content-type"], "application/grpc");
    }
    let mut none = Raw::request(GET, Bytes::new(), &[]);
    none.headers_mut().remove("content-type");
    assert_eq!(raw.send(none).await.http, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let mut put = Raw::request(GET, framed(&get("1")), &[]);
    *put.method_mut() = http::Method::PUT;
    let whole = raw.send(put).await;
    assert_eq!(
        (whole.http, &whole.headers["allow"]),
        (StatusCode::METHOD_NOT_ALLOWED, &"POST".parse().unwrap())
    );
}

#[tokio::test]
async fn a_timeout_that_makes_no_sense_is_no_timeout() {
    let (running, ..) = shop().await;
    let mut raw = Raw::connect(&running).await;
    for value in ["soon", "99999999H", "-1S", "1"] {
        soon(raw.unary(GET, get("1"), &[("grpc-timeout", value)])).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_graceful_stop_lets_running_calls_finish() {
    let (running, client, traces) = shop().await;
    let address = running.address;
    let stats = running.stats.clone();
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.get_order(get("nap")).await }
    });
    eventually("the call runs", || traces.begun.load(SeqCst) == 1).await;
    let stopping = running.stop();
    assert_eq!(soon(call).await.unwrap().unwrap().id, "nap");
    assert_eq!(soon(stopping).await.unwrap(), 0, "no connection was cut");
    assert_eq!((stats.finished(Code::Ok), stats.in_flight()), (1, 0));
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens");
    let error = soon(client.get_order(get("1"))).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_does_not_wait_for_ever() {
    let shop = Shop::default();
    let traces = shop.traces.clone();
    let server = Server::new().add(OrdersServer::new(shop));
    let running = Running::drained_for(server, Duration::from_millis(200)).await;
    let stats = running.stats.clone();
    let client = OrdersClient::connect(running.url()).unwrap();
    let client = client.with(CallOptions::new().without_deadline());
    let mut replies = soon(client.watch(watch("open", 0))).await.unwrap();
    let started = Instant::now();
    assert_eq!(soon(running.stop()).await.unwrap(), 1, "one connection was cut");
    assert!(started.elapsed() >= Duration::from_millis(200));
    eventually("the handler is dropped", || traces.dropped.load(SeqCst) == 1).await;
    let error = soon(replies.next()).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "{error}");
    eventually("it is counted", || stats.finished(Code::Cancelled) == 1).await;
}

#[tokio::test]
async fn idle_connections_do_not_delay_a_stop() {
    let (running, client, _) = shop().await;
    soon(client.get_order(get("1"))).await.unwrap();
    let started = Instant::now();
    assert_eq!(soon(running.stop()).await.unwrap(), 0);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

/// Writes down who calls what.
struct Callers(Arc<Mutex<Vec<String>>>);

impl Interceptor for Callers {
    async fn around(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Status> {
        let peer = call.peer().map(|peer| peer.ip().to_string());
        let bounded = call.deadline().is_some() && call.started() <= Instant::now();
        let line = format!("{} {} {peer:?} {bounded}", call.method().service(), call.method().name());
        self.0.lock().unwrap().push(line);
        next.run(call).await
    }
}

#[tokio::test]
async fn a_call_knows_its_method_and_its_caller() {
    let callers = Arc::default();
    let service = || OrdersServer::new(Shop::default()).intercept(Callers(Arc::clone(&callers)));
    let running = Running::start(Server::new().add(service())).await;
    let client = OrdersClient::connect(running.url()).unwrap();
    soon(client.get_order(get("1"))).await.unwrap();
    soon(client.watch(watch("", 1))).await.unwrap();
    let client = OrdersClient::local(Shop::default()).intercept(Callers(Arc::clone(&callers)));
    soon(client.get_order(get("1"))).await.unwrap();
    let expected = [
        "shop.orders.v1.Orders GetOrder Some(\"127.0.0.1\") true",
        "shop.orders.v1.Orders Watch Some(\"127.0.0.1\") false",
        "shop.orders.v1.Orders GetOrder None true",
    ];
    assert_eq!(*callers.lock().unwrap(), expected);
}

#[tokio::test]
async fn metadata_cannot_break_the_protocol() {
    let (_running, client, _) = shop().await;
    let mut options = CallOptions::new();
    for (name, value) in [
        ("content-length", "3"),
        ("grpc-timeout", "1n"),
        ("grpc-encoding", "gzip"),
        ("te", "gzip"),
        ("host", "elsewhere"),
        ("connection", "close"),
        ("no name", "1"),
        ("x-bin", "\u{0}"),
        ("x-lane", "kept"),
    ] {
        options = options.metadata(name, value);
    }
    let reply = ReplyMetadata::new();
    soon(client.with(options.capture(&reply)).get_order(get("meta"))).await.unwrap();
    assert_eq!(reply.header("x-seen").as_deref(), Some("kept"));
}
