//! Streams: when headers go, who waits for whom, and what is buffered.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use jovian_runtime::stream::{self, StreamExt as _};
use jovian_runtime::{CallError, Server};
use support::{OrdersClient, OrdersServer, Running, Shop, eventually, order, shop, soon, watch};
use tokio::time::{sleep, timeout};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_makes_the_handler_wait() {
    let (_running, client, traces) = shop().await;
    // 16 KiB each: 160 MiB in all, of which only what the windows hold may be written.
    let padding = "x".repeat(16 << 10);
    let mut replies = soon(client.watch(watch(&padding, 10_000))).await.unwrap();
    soon(replies.next()).await.unwrap().unwrap();
    sleep(Duration::from_millis(300)).await;
    let written = traces.messages.load(SeqCst);
    sleep(Duration::from_millis(200)).await;
    assert_eq!(traces.messages.load(SeqCst), written, "it waits");
    // hyper's windows are 1 MiB for a stream and 1 MiB more for the connection.
    assert!(written < 400, "{written} messages of 16 KiB are buffered");
    for _ in 0..500 {
        soon(replies.next()).await.unwrap().unwrap();
    }
    assert!(traces.messages.load(SeqCst) > written, "and it goes on");
}

#[tokio::test]
async fn a_slow_reader_in_process_buffers_one_batch() {
    let shop = Shop::default();
    let traces = shop.traces.clone();
    let client = OrdersClient::local(shop);
    let mut replies = soon(client.watch(watch(&"x".repeat(1000), 10_000))).await.unwrap();
    soon(replies.next()).await.unwrap().unwrap();
    assert!(traces.messages.load(SeqCst) <= 2 * 33, "{traces:?}");
    let mut rest = 1;
    while let Some(reply) = soon(replies.next()).await {
        reply.unwrap();
        rest += 1;
    }
    assert_eq!(rest, 10_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_handler_makes_the_sender_wait() {
    // A handler that never reads, and a source that counts what was taken from it.
    let (running, client, _) = shop().await;
    let taken = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&taken);
    let padding = "x".repeat(16 << 10);
    let endless = stream::iter(0..10_000).map(move |amount| {
        counter.fetch_add(1, SeqCst);
        order(&padding, amount)
    });
    // `chat` answers each request, and nobody reads the answers, so that it stops reading, too.
    let replies = soon(client.chat(endless)).await.unwrap();
    sleep(Duration::from_millis(300)).await;
    let before = taken.load(SeqCst);
    sleep(Duration::from_millis(200)).await;
    assert_eq!(taken.load(SeqCst), before, "the source is not asked for more");
    assert!(before < 1_000, "{before} messages of 16 KiB are buffered");
    drop(replies);
    eventually("the call is over", || running.stats.in_flight() == 0).await;
}

#[tokio::test]
async fn headers_go_when_asked_for_and_else_after_a_grace() {
    let (_running, client, traces) = shop().await;
    let started = Instant::now();
    let opened = soon(client.watch(watch("open", 0))).await.unwrap();
    let at_once = started.elapsed();
    assert!(opened.metadata().get("content-type").is_some());

    let started = Instant::now();
    let mut quiet = soon(client.watch(watch("quiet", 0))).await.unwrap();
    let grace = started.elapsed();
    assert!(grace >= Duration::from_millis(95) && at_once < grace, "{at_once:?}, {grace:?}");
    assert!(timeout(Duration::from_millis(50), quiet.next()).await.is_err(), "it is still quiet");
    assert_eq!(traces.dropped.load(SeqCst), 0);
}

#[tokio::test]
async fn an_error_before_the_first_reply_needs_no_headers() {
    // The whole answer is one header block, which is what lets callers retry.
    let (running, ..) = shop().await;
    let mut raw = support::raw::Raw::connect(&running).await;
    let body = support::raw::framed(&watch("refuse", 0));
    let whole = raw.send(support::raw::Raw::request("/shop.orders.v1.Orders/Watch", body, &[])).await;
    assert!(whole.headers.contains_key("grpc-status") && whole.trailers.is_empty() && whole.body.is_empty());
}

#[tokio::test]
async fn many_small_replies_are_few_large_batches() {
    let (running, ..) = shop().await;
    let mut raw = support::raw::Raw::connect(&running).await;
    let body = support::raw::framed(&watch("", 10_000));
    let request = support::raw::Raw::request("/shop.orders.v1.Orders/Watch", body, &[]);
    let response = raw.send.send_request(request).await.unwrap();
    let mut frames = 0;
    let mut bytes = 0;
    let mut body = std::pin::pin!(response.into_body());
    while let Some(frame) =
        soon(std::future::poll_fn(|cx| http_body::Body::poll_frame(body.as_mut(), cx))).await
    {
        if let Ok(data) = frame.unwrap().into_data() {
            frames += 1;
            bytes += data.len();
        }
    }
    assert!(bytes > 70_000 && frames < 20, "{bytes} bytes in {frames} frames");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_share_a_connection() {
    let (running, client, _) = shop().await;
    let calls = (0..300_u64).map(|n| {
        let client = client.clone();
        tokio::spawn(async move {
            let sum = client.import(stream::iter((0..n).map(|amount| order("", amount)))).await?.amount;
            let replies = client.watch(watch("", n)).await?;
            let back: u64 = support::amounts(replies).await?.into_iter().sum();
            Ok::<_, CallError<support::OrdersError>>((sum, back, n * n.saturating_sub(1) / 2))
        })
    });
    for call in calls.collect::<Vec<_>>() {
        let (sum, back, expected) = soon(call).await.unwrap().unwrap();
        assert_eq!((sum, back), (expected, expected));
    }
    assert_eq!((running.stats.total(), running.stats.finished(jovian_runtime::Code::Ok)), (600, 600));
}

#[tokio::test]
async fn a_service_twice_is_refused_at_the_start() {
    let server =
        Server::new().add(OrdersServer::new(Shop::default())).add(OrdersServer::new(Shop::default()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = server.serve(listener, std::future::pending(), Duration::ZERO).await.unwrap_err();
    assert_eq!(error.to_string(), "the service `shop.orders.v1.Orders` was added twice");
    drop(Running::start(Server::new()).await);
}
