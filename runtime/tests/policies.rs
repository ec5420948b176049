//! What policies of a server do: who may call, how many at once, how long a stream may be quiet, and what is written down.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::time::Duration;

use jovian_runtime::stream::{self, StreamExt as _};
use jovian_runtime::{CallError, CallOptions, Code, Policies, Policy, ServeError, Server, Status, metrics};
use support::{OrdersClient, OrdersError, OrdersServer, Running, Shop, eventually, get, order, soon, watch};
use tokio::time::{Instant, sleep};

const GET: &str = "shop.orders.v1.Orders/GetOrder";
const WATCH: &str = "shop.orders.v1.Orders/Watch";

async fn serve(policies: Policies) -> (Running, OrdersClient) {
    let server = Server::new().policies(policies).add(OrdersServer::new(Shop::default()));
    let running = Running::start(server).await;
    let client = OrdersClient::connect(running.url()).unwrap();
    (running, client)
}

fn status<T: std::fmt::Debug>(result: Result<T, CallError<OrdersError>>) -> Box<Status> {
    match result.unwrap_err() {
        CallError::Status(status) => status,
        CallError::Domain(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn only_those_who_may_call_do() {
    let all = Policy::new().callers(&["shop.web.*"]);
    let (_running, client) = serve(Policies::new().all(all).method(WATCH, Policy::new().callers(&[]))).await;
    let named = |name: &str| client.with(CallOptions::new().metadata("aid", name));
    assert_eq!(status(soon(client.get_order(get("1"))).await).code(), Code::Unauthenticated);
    let refused = status(soon(named("ops.cron").get_order(get("1"))).await);
    assert_eq!(
        (refused.code(), refused.message()),
        (Code::PermissionDenied, "`ops.cron` may not call this method")
    );
    soon(named("shop.web.site").get_order(get("1"))).await.unwrap();
    // As Kratos says it.
    soon(client.with(CallOptions::new().metadata("x-md-service-name", "shop.web.site")).get_order(get("1")))
        .await
        .unwrap();
    // The method says otherwise than the whole.
    soon(client.watch(watch("", 1))).await.unwrap();
}

#[tokio::test]
async fn no_more_calls_run_than_a_method_takes() {
    let (running, client) = serve(Policies::new().method(GET, Policy::new().in_flight(2))).await;
    let calls: Vec<_> = (0..2)
        .map(|_| {
            tokio::spawn({
                let client = client.clone();
                async move { client.get_order(get("nap")).await }
            })
        })
        .collect();
    eventually("both run", || running.stats.in_flight() == 2).await;
    let refused = status(soon(client.get_order(get("1"))).await);
    assert_eq!(
        (refused.code(), refused.message()),
        (Code::ResourceExhausted, "2 calls of this method run already")
    );
    // Others are not meant.
    soon(client.watch(watch("", 1))).await.unwrap();
    for call in calls {
        soon(call).await.unwrap().unwrap();
    }
    soon(client.get_order(get("1"))).await.unwrap();
}

#[tokio::test]
async fn no_more_calls_run_than_a_server_takes() {
    let server = Server::new().max_in_flight(1).add(OrdersServer::new(Shop::default()));
    let running = Running::start(server).await;
    let client = OrdersClient::connect(running.url()).unwrap();
    let mut open = soon(client.watch(watch("open", 0))).await.unwrap();
    assert_eq!(status(soon(client.get_order(get("1"))).await).message(), "1 calls run already");
    assert!(futures_util::FutureExt::now_or_never(open.next()).is_none());
    drop(open);
    eventually("it is gone", || running.stats.in_flight() == 0).await;
    soon(client.get_order(get("1"))).await.unwrap();
}

#[tokio::test]
async fn a_policy_of_what_is_not_served_stops_the_start() {
    let server = |name| {
        Server::new()
            .policies(Policies::new().method(name, Policy::new()))
            .add(OrdersServer::new(Shop::default()))
    };
    let listener = || async { tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap() };
    let serve = |server: Server, listener| server.serve(listener, async {}, Duration::ZERO);
    let wrong = server("shop.orders.v1.Orders/GetOder");
    let error = soon(serve(wrong, listener().await)).await.unwrap_err();
    assert!(matches!(error, ServeError::Policy(_)));
    assert_eq!(
        error.to_string(),
        "there is no service and no method `shop.orders.v1.Orders/GetOder`, which a policy is for"
    );
    soon(serve(server("shop.orders.v1.Orders"), listener().await)).await.unwrap();
}

#[tokio::test]
async fn a_timeout_of_the_program_is_kept_and_a_longer_one_of_the_idl_is_not() {
    let policies = Policies::new().method(GET, Policy::new().timeout(Duration::from_millis(50)));
    let (_running, client) = serve(policies).await;
    let begun = Instant::now();
    assert_eq!(status(soon(client.get_order(get("slow"))).await).code(), Code::DeadlineExceeded);
    assert!(begun.elapsed() < Duration::from_millis(1500), "the IDL says 2 s");
}

#[tokio::test]
async fn a_stream_that_is_quiet_ends_on_the_server() {
    let idle = Policy::new().idle_timeout(Duration::from_millis(80)).open_timeout(Duration::from_millis(40));
    let (running, client) = serve(Policies::new().service("shop.orders.v1.Orders", idle)).await;
    let mut replies = soon(client.watch(watch("stuck", 1))).await.unwrap();
    soon(replies.next()).await.unwrap().unwrap();
    let quiet = status(soon(replies.next()).await.unwrap());
    assert_eq!(
        (quiet.code(), quiet.message()),
        (Code::DeadlineExceeded, "the stream carried nothing for 80ms")
    );
    // The first request does not come.
    let late = status(soon(client.import(stream::pending())).await);
    assert_eq!(late.message(), "the stream carried nothing in its first 40ms");
    // One that goes on for longer than that lives.
    let slow = stream::iter(0..10).then(|n| async move {
        sleep(Duration::from_millis(20)).await;
        order("", n)
    });
    assert_eq!(soon(client.import(slow)).await.unwrap().count, 10);
    eventually("all are gone", || running.stats.in_flight() == 0).await;
}

#[tokio::test]
async fn a_stream_that_is_quiet_ends_on_the_client() {
    let (running, client) = serve(Policies::new()).await;
    let policy =
        Policy::new().idle_timeout(Duration::from_millis(80)).open_timeout(Duration::from_millis(40));
    let client = client.policies(Policies::new().service("shop.orders.v1.Orders", policy)).unwrap();
    let late = status(soon(client.watch(watch("quiet", 0))).await);
    assert_eq!(late.message(), "the stream was not answered within 40ms");
    let mut replies = soon(client.watch(watch("stuck", 1))).await.unwrap();
    soon(replies.next()).await.unwrap().unwrap();
    assert_eq!(status(soon(replies.next()).await.unwrap()).message(), "the stream carried nothing for 80ms");
    assert_eq!(
        status(soon(client.import(stream::pending())).await).message(),
        "the stream carried nothing for 80ms"
    );
    eventually("the server has let go of them", || running.stats.in_flight() == 0).await;
    let unknown = client.policies(Policies::new().method("shop.orders.v1.Orders/Nothing", Policy::new()));
    assert_eq!(unknown.unwrap_err().name, "shop.orders.v1.Orders/Nothing");
}

fn value(page: &str, line: &str) -> u64 {
    page.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn calls_are_counted_on_both_sides_also_when_they_are_dropped() {
    let (running, client) = serve(Policies::new()).await;
    let target = running.url();
    let named = client.with(CallOptions::new().metadata("aid", "metrics.test"));
    soon(named.get_order(get("1"))).await.unwrap();
    soon(named.get_order(get("missing"))).await.unwrap_err();
    let dropped = named.with(CallOptions::new().timeout(Duration::from_secs(20)));
    let call = tokio::spawn(async move { dropped.get_order(get("slow")).await });
    eventually("it runs", || running.stats.in_flight() == 1).await;
    call.abort();
    eventually("it is counted out", || running.stats.finished(Code::Cancelled) == 1).await;
    let page = metrics::render();
    let server = |code: &str| {
        let labels = format!(r#"type="unary",method="/{GET}",client="metrics.test",code="{code}""#);
        value(&page, &format!("server_handle_total{{{labels}}}"))
    };
    let client = |code: &str| {
        let labels = format!(
            r#"type="unary",name="shop.order.orders",method="/{GET}",server="{target}",code="{code}""#
        );
        value(&page, &format!("client_handle_total{{{labels}}}"))
    };
    for code in ["OK", "NOT_FOUND", "CANCELLED"] {
        assert_eq!((server(code), client(code)), (1, 1), "{code}\n{page}");
    }
    let labels = format!(r#"type="unary",method="/{GET}",client="metrics.test""#);
    assert_eq!(value(&page, &format!("server_handle_seconds_count{{{labels}}}")), 3);
}

#[tokio::test]
async fn metrics_can_be_switched_off_for_a_method() {
    let (_running, client) = serve(Policies::new().method(GET, Policy::new().metrics(false))).await;
    soon(client.with(CallOptions::new().metadata("aid", "metrics.off")).get_order(get("1"))).await.unwrap();
    assert!(!metrics::render().contains("metrics.off"));
}
