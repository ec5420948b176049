//! Callers whose `:authority` HTTP/2 refuses, as Jupiter's client and go-zero's: they are served like others.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use jovian_runtime::{ConnectionSection, RuntimeKind, Server};
use support::raw::{Raw, framed};
use support::wire::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, Ended, HEADERS, PADDED, PRIORITY, Wire, frame,
};
use support::{OrdersServer, Running, Shop, eventually, get, soon};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const GET: &str = "/shop.orders.v1.Orders/GetOrder";
const JUPITER: &str = "grpc:rusty:v1:dev/";
const NONE: [&str; 6] = [JUPITER, "h1:2379,h2:2379", "a%b", "shop/orders", "a b", ""];

fn answered(id: &str) -> Ended {
    Ended::Answered(id.to_owned())
}

fn server(shop: &Shop) -> Server {
    Server::new().add(OrdersServer::new(shop.clone()))
}

async fn connect(running: &Running) -> Wire<TcpStream> {
    let stream = TcpStream::connect(running.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    Wire::over(stream).await
}

#[tokio::test]
async fn callers_with_an_authority_that_is_none_are_answered() {
    for kind in [RuntimeKind::Shared, RuntimeKind::PerCore] {
        let running = Running::start(server(&Shop::default()).runtime(kind)).await;
        for authority in NONE {
            let mut wire = connect(&running).await;
            for id in ["1", "2", "3"] {
                assert_eq!(wire.call(authority, id, &[]).await, answered(id), "{authority}");
            }
        }
        assert_eq!(connect(&running).await.call("shop:80", "4", &[]).await, answered("4"));
        assert_eq!(soon(running.stop()).await.unwrap(), 0);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn callers_at_a_unix_socket_are_answered() {
    let path = std::env::temp_dir().join(format!("jovian-{}-authority.sock", std::process::id()));
    let listener = jovian_runtime::Listener::bind(&format!("unix:{}", path.display())).await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let served = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        server(&Shop::default()).serve(listener, stopped, Duration::from_secs(5)).await.unwrap()
    });
    for authority in NONE {
        let mut wire = Wire::over(tokio::net::UnixStream::connect(&path).await.unwrap()).await;
        assert_eq!(wire.call(authority, "1", &[]).await, answered("1"), "{authority}");
    }
    drop(stop);
    assert_eq!(soon(served).await.unwrap(), 0);
}

/// The table of the caller's encoder changes its size and forgets, and every call refers to what is left in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_calls_on_a_connection_are_answered() {
    let shop = Shop::default();
    let running = Running::start(server(&shop)).await;
    let mut wire = connect(&running).await;
    for number in 0..1000_usize {
        let id = number.to_string();
        let more = [("x-number", id.as_str()), ("x-long", &"y".repeat(number % 500))];
        let mut block = Vec::new();
        if number % 100 == 50 {
            wire.encoder.resize(number * 4, &mut block);
        }
        block.extend(wire.block(JUPITER, &more));
        let stream = wire.number();
        wire.say(&frame(HEADERS, END_HEADERS, stream, &block)).await;
        wire.say(&frame(DATA, END_STREAM, stream, &framed(&get(&id)))).await;
        assert_eq!(wire.ended(stream).await, answered(&id));
    }
    assert_eq!(shop.traces.completed.load(SeqCst), 1000);
}

#[tokio::test]
async fn metadata_and_trailers_of_theirs_arrive_byte_by_byte() {
    let running = Running::start(server(&Shop::default())).await;
    let mut wire = connect(&running).await;
    for number in [1, 3] {
        assert_eq!(wire.number(), number);
        let block = wire.block(JUPITER, &[("x-lane", "blue")]);
        let (first, rest) = block.split_at(block.len() / 2);
        let padded = [&[4][..], &[0, 0, 0, 0, 16], first, &[0; 4]].concat();
        let mut trailer = Vec::new();
        wire.encoder.field(b"x-after", b"tail", support::hpack::How::Remembered, &mut trailer);
        let said = [
            frame(HEADERS, PADDED | PRIORITY, number, &padded),
            frame(CONTINUATION, 0, number, &[]),
            frame(CONTINUATION, END_HEADERS, number, rest),
            frame(DATA, 0, number, &framed(&get("slowly"))),
            frame(HEADERS, END_HEADERS | END_STREAM, number, &trailer),
        ];
        for byte in said.concat() {
            wire.say(&[byte]).await;
            tokio::task::yield_now().await;
        }
        assert_eq!(wire.ended(number).await, answered("slowly"));
    }
}

/// Where the first authority is valid nobody looks at the others: HTTP/2 resets those calls, and the rest goes on.
#[tokio::test]
async fn the_first_call_says_what_a_connection_is() {
    let running = Running::start(server(&Shop::default())).await;
    let mut wire = connect(&running).await;
    assert_eq!(wire.call("shop", "1", &[]).await, answered("1"));
    assert_eq!(wire.call(JUPITER, "2", &[]).await, Ended::Reset);
    assert_eq!(wire.call("shop", "3", &[]).await, answered("3"));
}

#[tokio::test]
async fn what_cannot_be_repaired_ends_its_connection_and_no_other() {
    let shop = Shop::default();
    let settings = ConnectionSection { max_header_bytes: 1024, ..ConnectionSection::default() };
    let running = Running::start(server(&shop).connections(settings)).await;
    let mut good = Raw::connect(&running).await;
    let large = "x".repeat(1500);
    for broken in [vec![0xff, 0xff, 0xff, 0xff, 0xff, 0xff], vec![0x80], vec![0x40, 0x01]] {
        let mut wire = connect(&running).await;
        assert_eq!(wire.call(JUPITER, "1", &[]).await, answered("1"));
        wire.say(&frame(HEADERS, END_HEADERS | END_STREAM, 3, &broken)).await;
        assert_eq!(wire.ended(3).await, Ended::Closed);
    }
    let mut wire = connect(&running).await;
    assert_eq!(wire.call(JUPITER, "1", &[]).await, answered("1"));
    assert_eq!(wire.call(JUPITER, "2", &[("x-large", &large)]).await, Ended::Closed);
    // At the first call it is HTTP/2 that answers: 431, and no order.
    let mut wire = connect(&running).await;
    assert_eq!(wire.call(JUPITER, "1", &[("x-large", &large)]).await, answered(""));
    soon(good.unary(GET, get("1"), &[])).await.unwrap();
    assert_eq!(shop.traces.begun.load(SeqCst), 5, "nothing of it reached a handler");
}

/// A connection that ends where a header block was held back, in its first call and in a later one.
#[tokio::test]
async fn an_end_within_headers_leaves_nothing_behind() {
    let running = Running::start(server(&Shop::default())).await;
    for calls in [0, 1] {
        let mut wire = connect(&running).await;
        for _ in 0..calls {
            assert_eq!(wire.call(JUPITER, "1", &[]).await, answered("1"));
        }
        let block = wire.block(JUPITER, &[]);
        let number = wire.number();
        wire.say(&frame(HEADERS, 0, number, &block)).await;
        wire.stream.shutdown().await.unwrap();
        let mut said = Vec::new();
        // A reset is an end, too.
        let _ = soon(wire.stream.read_to_end(&mut said)).await;
    }
    eventually("no call is left", || running.stats.in_flight() == 0).await;
    assert_eq!(soon(running.stop()).await.unwrap(), 0, "no connection is left");
}
