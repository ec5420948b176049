//! Retries and breakers, against servers that fail as they are told.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use jovian_runtime::{
    Call, CallError, CallOptions, Code, Failure, Incoming, Policies, Policy, Replies, Retry, Server, Status,
};
use support::raw::framed;
use support::{
    GetOrderRequest, Order, Orders, OrdersClient, OrdersError, OrdersServer, Running, Summary, WatchRequest,
    amounts, get, order, soon, watch,
};
use tokio::net::TcpListener;
use tokio::time::Instant;

/// Fails so many times, then answers.
#[derive(Clone, Default)]
struct Flaky {
    failures: Arc<AtomicUsize>,
    calls: Arc<AtomicUsize>,
    status: Arc<Mutex<Option<Status>>>,
    attempts: Arc<Mutex<Vec<String>>>,
}

impl Flaky {
    fn fail(&self, times: usize, status: Status) {
        self.failures.store(times, SeqCst);
        *self.status.lock().unwrap() = Some(status);
        self.calls.store(0, SeqCst);
    }

    fn called(&self) -> usize {
        self.calls.load(SeqCst)
    }

    fn answer(&self, call: &Call) -> Result<(), Failure> {
        self.calls.fetch_add(1, SeqCst);
        let attempt = call.metadata().get("grpc-previous-rpc-attempts");
        let attempt = attempt.map_or("", |value| value.to_str().unwrap()).to_owned();
        self.attempts.lock().unwrap().push(attempt);
        let left = self.failures.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        match left {
            Ok(_) => Err(self.status.lock().unwrap().clone().unwrap())?,
            Err(_) => Ok(()),
        }
    }
}

impl Orders for Flaky {
    type Error = Failure;

    async fn get_order(&self, call: &Call, request: GetOrderRequest) -> Result<Order, Failure> {
        self.answer(call)?;
        Ok(order(&request.id, 1))
    }

    async fn watch(&self, call: &Call, _: WatchRequest, out: &mut Replies<Order>) -> Result<(), Failure> {
        self.answer(call)?;
        out.send(order("", 7)).await;
        Ok(())
    }

    async fn import(&self, call: &Call, requests: &mut Incoming<Order>) -> Result<Summary, Failure> {
        self.answer(call)?;
        while requests.next().await.is_some() {}
        Ok(Summary::default())
    }

    async fn chat(
        &self,
        call: &Call,
        _: &mut Incoming<Order>,
        _: &mut Replies<Order>,
    ) -> Result<(), Failure> {
        self.answer(call)
    }
}

async fn flaky() -> (Running, OrdersClient, Flaky) {
    let service = Flaky::default();
    let running = Running::start(Server::new().add(OrdersServer::new(service.clone()))).await;
    let client = OrdersClient::connect(running.url()).unwrap();
    (running, client, service)
}

fn code<T: std::fmt::Debug>(result: Result<T, CallError<OrdersError>>) -> Code {
    result.unwrap_err().into_status().code()
}

fn policies(policy: Policy) -> Policies {
    Policies::new().service("shop.orders.v1.Orders", policy)
}

#[tokio::test]
async fn what_may_be_repeated_is_tried_again() {
    let (_running, client, service) = flaky().await;
    service.fail(2, Status::unavailable("away"));
    assert_eq!(soon(client.get_order(get("1"))).await.unwrap().id, "1");
    assert_eq!(service.called(), 3);
    assert_eq!(*service.attempts.lock().unwrap(), ["", "1", "2"]);
    // Three attempts are all.
    service.fail(3, Status::unavailable("away"));
    assert_eq!(code(soon(client.get_order(get("1"))).await), Code::Unavailable);
    assert_eq!(service.called(), 3);
    // The service has answered, if not well.
    service.fail(1, Status::internal("broken"));
    assert_eq!(code(soon(client.get_order(get("1"))).await), Code::Internal);
    assert_eq!(service.called(), 1);
}

#[tokio::test]
async fn what_may_not_be_repeated_is_tried_once_unless_somebody_declares_it() {
    let (_running, client, service) = flaky().await;
    service.fail(1, Status::unavailable("away"));
    assert_eq!(code(soon(client.watch(watch("", 0))).await), Code::Unavailable);
    assert_eq!(service.called(), 1);
    let declared = client.clone().policies(policies(Policy::new().retry(Retry::new().attempts(2)))).unwrap();
    service.fail(1, Status::unavailable("away"));
    assert_eq!(amounts(soon(declared.watch(watch("", 0))).await.unwrap()).await.unwrap(), [7]);
    assert_eq!(service.called(), 2);
    // A stream of requests cannot be sent twice.
    service.fail(1, Status::unavailable("away"));
    let requests = jovian_runtime::stream::iter([order("", 1)]);
    assert_eq!(code(soon(declared.import(requests)).await), Code::Unavailable);
    assert_eq!(service.called(), 1);
}

#[tokio::test]
async fn attempts_end_with_the_deadline() {
    let (_running, client, service) = flaky().await;
    let patient =
        Retry::new().attempts(100).backoff(Duration::from_millis(80)).max_backoff(Duration::from_millis(80));
    let client = client.policies(policies(Policy::new().retry(patient).breaker(false))).unwrap();
    service.fail(1000, Status::unavailable("away"));
    let begun = Instant::now();
    let client = client.with(CallOptions::new().timeout(Duration::from_millis(200)));
    let failed = code(soon(client.get_order(get("1"))).await);
    // The failure is told, and not that there was no time for another attempt.
    assert!(matches!(failed, Code::Unavailable | Code::DeadlineExceeded), "{failed:?}");
    assert!(begun.elapsed() < Duration::from_millis(400), "{:?}", begun.elapsed());
    assert!((2..20).contains(&service.called()), "{}", service.called());
}

/// A server that is only HTTP/2: says UNAVAILABLE with these headers first, and answers from then on.
async fn pushing(headers: &'static [(&'static str, &'static str)]) -> OrdersClient {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(move |_: http::Request<hyper::body::Incoming>| {
            let first = calls.fetch_add(1, SeqCst) == 0;
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static(if first { "14" } else { "0" }));
            if first {
                for (name, value) in headers {
                    trailers.insert(*name, value.parse().unwrap());
                }
            }
            let message = (!first).then(|| Ok(Frame::data(framed(&order("1", 1)))));
            let frames: Vec<Result<Frame<Bytes>, Infallible>> =
                message.into_iter().chain([Ok(Frame::trailers(trailers))]).collect();
            let mut response = Response::new(StreamBody::new(jovian_runtime::stream::iter(frames)));
            response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
            async move { Ok::<_, Infallible>(response) }
        });
        let serving = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let _ = serving.serve_connection(TokioIo::new(stream), service).await;
    });
    OrdersClient::connect(format!("http://{address}")).unwrap()
}

#[tokio::test]
async fn a_server_may_ask_for_time_or_for_peace() {
    let begun = Instant::now();
    let client = pushing(&[("grpc-retry-pushback-ms", "150")]).await;
    soon(client.get_order(get("1"))).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(150), "{:?}", begun.elapsed());
    let client = pushing(&[("grpc-retry-pushback-ms", "-1")]).await;
    assert_eq!(code(soon(client.get_order(get("1"))).await), Code::Unavailable);
}

/// 200 callers of a service that is down: what reaches it is little more than what is asked for.
#[tokio::test]
async fn a_storm_of_retries_stays_within_the_budget() {
    let (_running, client, service) = flaky().await;
    let eager = Retry::new().attempts(5).backoff(Duration::from_millis(1));
    let client = client.policies(policies(Policy::new().retry(eager).breaker(false))).unwrap();
    service.fail(usize::MAX / 2, Status::unavailable("down"));
    let calls = (0..200).map(|_| client.get_order(get("1")));
    let ended = soon(futures_util::future::join_all(calls)).await;
    assert!(ended.into_iter().all(|call| code(call) == Code::Unavailable));
    let retries = service.called() - 200;
    // Half of the 20 tokens, and no more than that.
    assert!(retries <= 10, "{retries} retries of 200 calls");
    // While it is up, one call in ten may be repeated.
    service.fail(0, Status::unavailable("down"));
    for _ in 0..100 {
        soon(client.get_order(get("1"))).await.unwrap();
    }
    service.fail(usize::MAX / 2, Status::unavailable("down"));
    let calls = (0..200).map(|_| client.get_order(get("1")));
    soon(futures_util::future::join_all(calls)).await;
    let retries = service.called() - 200;
    assert!(retries <= 10, "{retries} retries of 200 calls");
}

#[tokio::test]
async fn a_service_that_fails_is_spared_and_comes_back() {
    let (_running, client, service) = flaky().await;
    let client = client.policies(policies(Policy::new().retry(Retry::new().attempts(1)))).unwrap();
    service.fail(usize::MAX / 2, Status::unavailable("down"));
    for _ in 0..500 {
        assert_eq!(code(soon(client.get_order(get("1"))).await), Code::Unavailable);
    }
    let reached = service.called();
    assert!((20..150).contains(&reached), "{reached} of 500 calls reached a service that is down");
    // Another method is another matter.
    service.fail(0, Status::unavailable("down"));
    soon(client.watch(watch("", 0))).await.unwrap();
    // It is well again: within seconds all calls reach it.
    let begun = Instant::now();
    let mut in_a_row = 0;
    while in_a_row < 200 {
        in_a_row = if soon(client.get_order(get("1"))).await.is_ok() { in_a_row + 1 } else { 0 };
        assert!(begun.elapsed() < Duration::from_secs(5), "it stays open");
    }
}

#[tokio::test]
async fn the_breaker_can_be_switched_off() {
    let (_running, client, service) = flaky().await;
    let off = Policy::new().retry(Retry::new().attempts(1)).breaker(false);
    let client = client.policies(policies(off)).unwrap();
    service.fail(usize::MAX / 2, Status::unavailable("down"));
    for _ in 0..300 {
        soon(client.get_order(get("1"))).await.unwrap_err();
    }
    assert_eq!(service.called(), 300);
}

#[tokio::test]
async fn many_calls_at_once_open_no_breaker() {
    let (_running, client, service) = flaky().await;
    let calls = (0..500).map(|_| client.get_order(get("1")));
    let ended = soon(futures_util::future::join_all(calls)).await;
    assert!(ended.into_iter().all(|call| call.is_ok()));
    assert_eq!(service.called(), 500);
}

#[tokio::test]
async fn where_nobody_is_no_breaker_hides_it() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = OrdersClient::connect(closed.to_string()).unwrap();
    let brief = client.with(CallOptions::new().timeout(Duration::from_secs(5)));
    for _ in 0..10 {
        let calls = (0..10).map(|_| brief.get_order(get("1")));
        for ended in soon(futures_util::future::join_all(calls)).await {
            let text = ended.unwrap_err().to_string();
            assert!(text.contains("refused"), "{text}");
        }
    }
}
