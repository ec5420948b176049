//! The settings of connections: how many, how old, how quiet, how much.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http::StatusCode;
use jovian_runtime::{ConnectionSection, Server};
use support::raw::{Raw, framed};
use support::{OrdersServer, Running, Shop, Traces, eventually, get, soon, watch};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

const GET: &str = "/shop.orders.v1.Orders/GetOrder";
const WATCH: &str = "/shop.orders.v1.Orders/Watch";
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const NO_SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

async fn shop_with(settings: ConnectionSection) -> (Running, Traces) {
    let shop = Shop::default();
    let traces = shop.traces.clone();
    let server = Server::new().add(OrdersServer::new(shop)).connections(settings);
    (Running::start(server).await, traces)
}

/// Reads until the server closes.
async fn closed(stream: &mut TcpStream) {
    let mut said = Vec::new();
    // A reset is an end, too.
    let _ = soon(stream.read_to_end(&mut said)).await;
}

#[tokio::test]
async fn one_connection_too_many_is_closed_at_once() {
    let (running, _) = shop_with(ConnectionSection { max: 2, ..ConnectionSection::default() }).await;
    let mut taken = [Raw::connect(&running).await, Raw::connect(&running).await];
    for raw in &mut taken {
        soon(raw.unary(GET, get("1"), &[])).await.unwrap();
    }
    closed(&mut TcpStream::connect(running.address).await.unwrap()).await;
    for raw in &mut taken {
        soon(raw.unary(GET, get("2"), &[])).await.unwrap();
    }
    let [first, mut second] = taken;
    drop(first);
    // There is room as soon as the server has seen that one of them went.
    let mut replaced = None;
    for _ in 0..100 {
        let mut raw = Raw::connect(&running).await;
        sleep(Duration::from_millis(20)).await;
        if raw.send.ready().await.is_ok() && !raw.connection.is_finished() {
            replaced = Some(raw);
            break;
        }
    }
    soon(replaced.expect("a connection").unary(GET, get("3"), &[])).await.unwrap();
    soon(second.unary(GET, get("4"), &[])).await.unwrap();
}

#[tokio::test]
async fn whoever_does_not_say_that_it_speaks_http2_is_closed() {
    let settings = ConnectionSection { handshake_timeout_ms: 300, ..ConnectionSection::default() };
    let (running, _) = shop_with(settings).await;
    let mut polite = Raw::connect(&running).await;

    let begun = Instant::now();
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    let mut half = TcpStream::connect(running.address).await.unwrap();
    half.write_all(&PREFACE[..20]).await.unwrap();
    closed(&mut silent).await;
    closed(&mut half).await;
    assert!(begun.elapsed() >= Duration::from_millis(250), "they had their time");

    let begun = Instant::now();
    let mut other = TcpStream::connect(running.address).await.unwrap();
    other.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    closed(&mut other).await;
    assert!(begun.elapsed() < Duration::from_millis(250), "this one is known to be wrong");

    soon(polite.unary(GET, get("1"), &[])).await.unwrap();
}

#[tokio::test]
async fn whoever_does_not_answer_a_ping_is_closed() {
    let settings = ConnectionSection {
        keepalive_interval_ms: 100,
        keepalive_timeout_ms: 200,
        ..ConnectionSection::default()
    };
    let (running, _) = shop_with(settings).await;
    let mut alive = Raw::connect(&running).await;
    let mut dead = TcpStream::connect(running.address).await.unwrap();
    dead.write_all(&[PREFACE, NO_SETTINGS].concat()).await.unwrap();
    closed(&mut dead).await;
    sleep(Duration::from_millis(500)).await;
    soon(alive.unary(GET, get("1"), &[])).await.unwrap();
}

/// Callers that go on as long as their connection lets them, and then make another one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_connections_end_without_a_failed_call() {
    let settings = ConnectionSection { max_age_ms: 100, ..ConnectionSection::default() };
    let (running, traces) = shop_with(settings).await;
    let running = Arc::new(running);
    let connections = Arc::new(AtomicUsize::new(0));
    let until = Instant::now() + Duration::from_secs(2);
    let callers = (0..4).map(|_| {
        let (running, connections) = (Arc::clone(&running), Arc::clone(&connections));
        async move {
            let mut answered = 0;
            while Instant::now() < until {
                let mut raw = Raw::connect(&running).await;
                connections.fetch_add(1, SeqCst);
                while Instant::now() < until && raw.send.ready().await.is_ok() {
                    // Some are in the middle of something when the connection is too old.
                    let id = if answered % 16 == 0 { "nap" } else { "1" };
                    match raw.send.try_send_request(Raw::request(GET, framed(&get(id)), &[])).await {
                        Ok(response) => {
                            let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap();
                            assert_eq!(body.trailers().unwrap()["grpc-status"], "0");
                            answered += 1;
                        }
                        Err(mut error) => assert!(error.take_message().is_some(), "{:?}", error.error()),
                    }
                }
            }
            answered
        }
    });
    let answered: usize = soon(join_all(callers)).await.into_iter().sum();
    assert_eq!(traces.completed.load(SeqCst), answered);
    let connections = connections.load(SeqCst);
    assert!((8..=100).contains(&connections), "{connections} connections for {answered} calls");
}

#[tokio::test]
async fn calls_that_outlive_the_grace_of_an_old_connection_are_cut() {
    let settings = ConnectionSection {
        max_age_ms: 100,
        max_age_jitter_percent: 0,
        max_age_grace_ms: 300,
        ..ConnectionSection::default()
    };
    let (running, traces) = shop_with(settings).await;
    let begun = Instant::now();
    let mut raw = Raw::connect(&running).await;
    let response = raw.send.send_request(Raw::request(WATCH, framed(&watch("open", 1)), &[])).await.unwrap();
    let body = soon(http_body_util::BodyExt::collect(response.into_body())).await;
    assert!(body.is_err(), "the stream was cut");
    assert!(begun.elapsed() >= Duration::from_millis(350), "after its grace");
    eventually("the handler is dropped", || traces.dropped.load(SeqCst) == 1).await;
}

#[tokio::test]
async fn calls_beyond_the_streams_of_a_connection_wait() {
    let (running, traces) =
        shop_with(ConnectionSection { max_streams: 3, ..ConnectionSection::default() }).await;
    let raw = Raw::connect(&running).await;
    // The settings of the server arrive with the first answer.
    let mut first = Raw { send: raw.send.clone(), connection: tokio::spawn(async {}) };
    soon(first.unary(GET, get("1"), &[])).await.unwrap();
    let calls = (0..9).map(|_| {
        let mut raw = Raw { send: raw.send.clone(), connection: tokio::spawn(async {}) };
        async move { raw.unary(GET, get("nap"), &[]).await }
    });
    let most = async {
        let mut most = 0;
        while traces.completed.load(SeqCst) < 10 {
            most = most.max(running.stats.in_flight());
            sleep(Duration::from_millis(5)).await;
        }
        most
    };
    let (replies, most) = soon(async { tokio::join!(join_all(calls), most) }).await;
    assert!(replies.into_iter().all(|reply| reply.is_ok()));
    assert_eq!(most, 3);
}

#[tokio::test]
async fn metadata_beyond_the_limit_is_refused() {
    let settings = ConnectionSection { max_header_bytes: 1024, ..ConnectionSection::default() };
    let (running, traces) = shop_with(settings).await;
    let mut raw = Raw::connect(&running).await;
    let whole = raw.send(Raw::request(GET, framed(&get("1")), &[("x-long", &"x".repeat(2000))])).await;
    assert_eq!(whole.http, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert_eq!(traces.begun.load(SeqCst), 0);
    soon(raw.unary(GET, get("1"), &[("x-short", "x")])).await.unwrap();
}

#[tokio::test]
async fn windows_are_what_one_may_send_unread() {
    let settings = ConnectionSection {
        stream_window_bytes: 65_535,
        connection_window_bytes: 100_000,
        ..ConnectionSection::default()
    };
    let (running, _) = shop_with(settings).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(&[PREFACE, NO_SETTINGS].concat()).await.unwrap();
    let mut said = [0; 256];
    let mut length = 0;
    while length < 60 {
        match timeout(Duration::from_millis(500), stream.read(&mut said[length..])).await {
            Ok(read) => length += read.unwrap(),
            Err(_) => break,
        }
    }
    let said = &said[..length];
    let holds = |bytes: &[u8]| said.windows(bytes.len()).any(|window| window == bytes);
    // SETTINGS_MAX_CONCURRENT_STREAMS, SETTINGS_INITIAL_WINDOW_SIZE, and a WINDOW_UPDATE beyond the 65,535 of HTTP/2.
    assert!(holds(&[0, 3, 0, 0, 4, 0]), "{said:?}");
    assert!(!holds(&[0, 4, 0, 16, 0, 0]), "the default is not sent: {said:?}");
    let beyond = (100_000_u32 - 65_535).to_be_bytes();
    assert!(holds(&[&[0, 0, 4, 8, 0, 0, 0, 0, 0], beyond.as_slice()].concat()), "{said:?}");
}

#[tokio::test]
async fn a_setting_that_cannot_be_stops_the_start_with_its_key() {
    let wrong = |change: fn(&mut ConnectionSection)| {
        let mut settings = ConnectionSection::default();
        change(&mut settings);
        settings
    };
    for (settings, message) in [
        (
            wrong(|settings| settings.backlog = 0),
            "`backlog` of [server.connection] has to be 1 to 2147483647, not 0",
        ),
        (
            wrong(|settings| settings.stream_window_bytes = 1 << 31),
            "`stream_window_bytes` of [server.connection] has to be 65535 to 2147483647, not 2147483648",
        ),
        (
            wrong(|settings| settings.max_age_jitter_percent = 100),
            "`max_age_jitter_percent` of [server.connection] has to be 0 to 99, not 100",
        ),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server::new().connections(settings);
        let error = server.serve(listener, std::future::pending(), Duration::ZERO).await.unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[cfg(not(feature = "tls"))]
#[tokio::test]
async fn whoever_asks_for_tls_does_not_start_without_it() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::new().tls(jovian_runtime::TlsSection::new("cert.pem", "key.pem"));
    let error = server.serve(listener, std::future::pending(), Duration::ZERO).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "[server.tls] asks for TLS, and jovian-runtime was built without its feature `tls`"
    );
}
