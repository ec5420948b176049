//! Deadlines: whose counts, what is inherited, and what happens when one passes.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use jovian_runtime::stream::{self, StreamExt as _};
use jovian_runtime::{Call, CallError, CallOptions, Code, Failure, Server};
use support::raw::{Raw, framed};
use support::{
    Front, FrontClient, FrontServer, GetOrderRequest, Order, OrdersClient, OrdersServer, Running, Shop,
    eventually, get, order, shop, soon, watch,
};
use tokio::time::sleep;

fn within(milliseconds: u64) -> CallOptions {
    CallOptions::new().timeout(Duration::from_millis(milliseconds))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_ends_the_call_on_both_sides() {
    let (running, client, traces) = shop().await;
    for _ in 0..20 {
        let error = soon(client.with(within(30)).get_order(get("slow"))).await.unwrap_err();
        assert_eq!(error.code(), Code::DeadlineExceeded, "never CANCELLED: {error}");
    }
    eventually("all handlers are dropped", || traces.dropped.load(SeqCst) == 20).await;
    assert_eq!(traces.completed.load(SeqCst), 0);
    eventually("nothing is in flight", || running.stats.in_flight() == 0).await;
    assert_eq!(running.stats.total(), 20);
}

#[tokio::test]
async fn the_server_keeps_a_deadline_without_the_client() {
    // A caller that states a deadline and then waits longer than it.
    let (running, _, traces) = shop().await;
    let mut raw = Raw::connect(&running).await;
    let reply =
        soon(raw.unary("/shop.orders.v1.Orders/GetOrder", get("slow"), &[("grpc-timeout", "50m")])).await;
    assert_eq!(reply.unwrap_err().code(), Code::DeadlineExceeded);
    assert_eq!((traces.dropped.load(SeqCst), running.stats.finished(Code::DeadlineExceeded)), (1, 1));

    // No time at all: the handler does not begin.
    let reply = soon(raw.unary("/shop.orders.v1.Orders/GetOrder", get("1"), &[("grpc-timeout", "0u")])).await;
    assert_eq!(reply.unwrap_err().code(), Code::DeadlineExceeded);
    assert_eq!(traces.begun.load(SeqCst), 1);
}

#[tokio::test]
async fn the_nearest_of_caller_method_and_maximum_counts() {
    // Handlers answer with what is left of their time.
    let left = async |server: Server, options: CallOptions| {
        let running = Running::start(server.add(OrdersServer::new(Shop::default()))).await;
        let client = OrdersClient::connect(running.url()).unwrap();
        soon(client.with(options).get_order(get("1"))).await.unwrap().amount
    };
    let caller = left(Server::new(), within(700)).await;
    assert!((100..=700).contains(&caller), "{caller}");
    let method = left(Server::new(), within(60_000)).await;
    assert!((1000..=2000).contains(&method), "{method}");
    let maximum = left(Server::new().max_timeout(Some(Duration::from_millis(900))), within(60_000)).await;
    assert!((100..=900).contains(&maximum), "{maximum}");
}

#[tokio::test]
async fn the_timeout_of_a_method_is_the_clients_too() {
    let client = OrdersClient::local(Shop::default());
    let started = Instant::now();
    assert_eq!(soon(client.get_order(get("slow"))).await.unwrap_err().code(), Code::DeadlineExceeded);
    assert!(started.elapsed() >= Duration::from_millis(1990));
}

#[tokio::test]
async fn a_stream_has_the_callers_deadline_and_no_other() {
    let (running, client, traces) = shop().await;
    // It came as far as its headers and then stays silent.
    let mut replies = soon(client.with(within(100)).watch(watch("stuck", 0))).await.unwrap();
    soon(replies.next()).await.unwrap().unwrap();
    let error = soon(replies.next()).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded, "{error}");
    assert!(soon(replies.next()).await.is_none());

    // Before its headers.
    let endless = stream::iter([order("", 1)]).chain(stream::pending());
    let error = soon(client.with(within(50)).import(endless)).await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
    eventually("both handlers are dropped", || traces.dropped.load(SeqCst) == 2).await;
    eventually("both are counted", || running.stats.total() == 2).await;
}

/// Says how much time its call to a shop had.
struct Relay {
    orders: OrdersClient,
}

impl Front for Relay {
    type Error = Failure;

    async fn show(&self, call: &Call, request: GetOrderRequest) -> Result<Order, Failure> {
        assert_eq!(Call::current().unwrap().method().path, call.method().path);
        tokio::time::sleep(Duration::from_millis(100)).await;
        let orders = self.orders.clone();
        Ok(match request.id.as_str() {
            "inherited" => orders.get_order(get("1")).await?,
            "explicit" => orders.with(within(5_000)).get_order(get("1")).await?,
            "spawned" => call.spawn(async move { orders.get_order(get("1")).await }).await??,
            "lost" => tokio::spawn(async move { orders.get_order(get("1")).await }).await??,
            "under" => {
                let call = call.clone();
                tokio::spawn(async move { orders.under(&call).get_order(get("1")).await }).await??
            }
            _ => Err(Failure::unimplemented(request.id))?,
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_inherits_what_is_left() {
    let (_shop, orders, _) = shop().await;
    let running = Running::start(Server::new().add(FrontServer::new(Relay { orders }))).await;
    let front = FrontClient::connect(running.url()).unwrap().with(within(1_500));
    let left = async |id: &str| soon(front.show(get(id))).await.unwrap().amount;
    for inherits in ["inherited", "spawned", "under"] {
        let left = left(inherits).await;
        assert!((200..=1_400).contains(&left), "{inherits}: {left}");
    }
    // The timeout of the method, which is what the server makes of both.
    for own in ["explicit", "lost"] {
        let left = left(own).await;
        assert!((1_500..=2_000).contains(&left), "{own}: {left}");
    }
}

#[tokio::test]
async fn nothing_is_sent_when_there_is_no_time() {
    let (_running, client, traces) = shop().await;
    let error = soon(client.with(within(0)).get_order(get("1"))).await.unwrap_err();
    assert!(
        matches!(&error, CallError::Status(status) if status.code() == Code::DeadlineExceeded),
        "{error:?}"
    );
    assert_eq!(traces.begun.load(SeqCst), 0);
    assert!(Call::current().is_none());
}

/// A caller that says how long it will wait, and reads when it is told to.
async fn stalled(running: &Running, count: u64) -> http::Response<hyper::body::Incoming> {
    let mut raw = Raw::connect(running).await;
    // More than all windows hold.
    let body = framed(&watch(&"x".repeat(16 << 10), count));
    let request = Raw::request("/shop.orders.v1.Orders/Watch", body, &[("grpc-timeout", "400m")]);
    soon(raw.send.send_request(request)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_does_not_read_does_not_keep_a_stream_beyond_its_deadline() {
    let (running, _, traces) = shop().await;
    let started = Instant::now();
    let unread = stalled(&running, 100_000).await;
    // It reads some, and stops again.
    let mut body = unread.into_body();
    for _ in 0..10 {
        soon(body.frame()).await.unwrap().unwrap();
    }
    eventually("the handler is dropped", || traces.dropped.load(SeqCst) == 1).await;
    assert!(started.elapsed() >= Duration::from_millis(400));
    assert_eq!((traces.completed.load(SeqCst), running.stats.in_flight()), (0, 0));
    // What was under way arrives, and then the stream is reset.
    let end = async {
        loop {
            match body.frame().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => break error,
                None => panic!("it ends as if it were complete"),
            }
        }
    };
    let error = soon(end).await;
    assert!(format!("{error:?}").contains("CANCEL"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_reads_late_and_in_time_gets_everything() {
    let (running, _, traces) = shop().await;
    let unread = stalled(&running, 300).await;
    sleep(Duration::from_millis(100)).await;
    assert_eq!(traces.completed.load(SeqCst), 0, "it waits for its caller");
    let all = soon(unread.into_body().collect()).await.unwrap();
    assert_eq!(all.trailers().unwrap()["grpc-status"], "0");
    assert!(all.to_bytes().len() > 300 * (16 << 10));
}
