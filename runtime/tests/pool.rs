//! Connections of clients: when they are made, how many there are, and what they carry.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use h2::Reason;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use jovian_runtime::stream::{self, StreamExt as _};
use jovian_runtime::{Code, endpoints};
use prost::Message as _;
use support::raw::framed;
use support::{Order, OrdersClient, OrdersServer, Shop, Summary, eventually, get, order, soon};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

fn trailers() -> HeaderMap {
    HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))])
}

/// Answers a request on a stream of h2's own server.
async fn answer(
    request: Request<h2::RecvStream>,
    mut respond: h2::server::SendResponse<Bytes>,
    reply: Bytes,
) -> Bytes {
    let mut body = request.into_body();
    let mut sent = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.unwrap();
        body.flow_control().release_capacity(data.len()).unwrap();
        sent.extend_from_slice(&data);
    }
    let head = Response::builder().header("content-type", "application/grpc").body(()).unwrap();
    let mut stream = respond.send_response(head, false).unwrap();
    stream.send_data(reply, false).unwrap();
    stream.send_trailers(trailers()).unwrap();
    sent.into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_connects_once_when_it_is_first_used_and_for_all() {
    let (listener, address) = listener().await;
    let accepted = Arc::<AtomicUsize>::default();
    let client = OrdersClient::connect(&address).unwrap();
    let server = tokio::spawn({
        let accepted = Arc::clone(&accepted);
        async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                accepted.fetch_add(1, SeqCst);
                // Longer than the first caller waits.
                sleep(Duration::from_millis(100)).await;
                tokio::spawn(async move {
                    let mut connection = h2::server::handshake(stream).await.unwrap();
                    while let Some(Ok((request, respond))) = connection.accept().await {
                        tokio::spawn(answer(request, respond, framed(&order("1", 1))));
                    }
                });
            }
        }
    });
    sleep(Duration::from_millis(50)).await;
    assert_eq!(accepted.load(SeqCst), 0, "nobody called");
    // The dial goes on without the call that asked for it.
    assert!(timeout(Duration::from_millis(20), client.get_order(get("1"))).await.is_err());
    let clients: Vec<_> = (0..50).map(|_| client.clone()).collect();
    for reply in soon(join_all(clients.iter().map(|client| client.get_order(get("1"))))).await {
        assert_eq!(reply.unwrap().id, "1");
    }
    assert_eq!(accepted.load(SeqCst), 1);
    let gauge = format!("client_endpoints{{target=\"http://{address}\",state=\"connected\"}} 1\n");
    let page = jovian_runtime::metrics::render();
    assert!(page.contains(&gauge), "{page}");
    let known = endpoints().into_iter().find(|state| state.address.ends_with(&address)).unwrap();
    assert!(known.connected && !known.down && !known.ejected && known.in_flight == 0, "{known:?}");
    assert!(known.latency > Duration::ZERO, "{known:?}");

    // The last client takes the connection with it.
    drop((client, clients));
    eventually("nobody is connected", || !endpoints().iter().any(|state| state.address.ends_with(&address)))
        .await;
    server.abort();
}

#[tokio::test]
async fn a_server_that_takes_few_streams_gets_no_more_at_once() {
    let (listener, address) = listener().await;
    let (now, most) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    tokio::spawn({
        let most = Arc::clone(&most);
        async move {
            let (stream, _) = listener.accept().await.unwrap();
            let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
                let (now, most) = (Arc::clone(&now), Arc::clone(&most));
                async move {
                    most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                    request.into_body().collect().await.unwrap();
                    sleep(Duration::from_millis(5)).await;
                    now.fetch_sub(1, SeqCst);
                    let body = http_body_util::Full::new(framed(&order("1", 1)))
                        .with_trailers(async { Some(Ok(trailers())) });
                    Ok::<_, Infallible>(
                        Response::builder().header("content-type", "application/grpc").body(body).unwrap(),
                    )
                }
            });
            hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .max_concurrent_streams(3)
                .serve_connection(TokioIo::new(stream), service)
                .await
                .unwrap();
        }
    });
    let client = OrdersClient::connect(&address).unwrap();
    for reply in soon(join_all((0..60).map(|_| client.get_order(get("1"))))).await {
        assert_eq!(reply.unwrap().id, "1");
    }
    assert_eq!(most.load(SeqCst), 3);
}

/// How a server says that it did not look at a request.
#[derive(Clone, Copy)]
enum Refusal {
    /// It resets the stream with REFUSED_STREAM.
    Reset,
    /// It leaves, and names the stream before as its last (GOAWAY).
    Leave,
}

/// A server that refuses the first requests. What it was sent by the one that it took.
async fn refusing(listener: TcpListener, refusals: usize, how: Refusal, reply: Bytes) -> Bytes {
    let mut refused = 0;
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        if matches!(how, Refusal::Leave) && refused < refusals {
            refused += 1;
            leave(&mut stream).await;
            continue;
        }
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            if refused == refusals {
                let answered = tokio::spawn(answer(request, respond, reply));
                connection.graceful_shutdown();
                while connection.accept().await.is_some() {}
                return answered.await.unwrap();
            }
            refused += 1;
            // Something of a stream is here already.
            sleep(Duration::from_millis(20)).await;
            respond.send_reset(Reason::REFUSED_STREAM);
        }
    }
}

/// Reads a request, and says that it did not.
async fn leave(stream: &mut TcpStream) {
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const GO_AWAY: [u8; 17] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    stream.write_all(&SETTINGS).await.unwrap();
    let mut came = Vec::new();
    // A frame of the type HEADERS, of the first stream.
    let headers = |came: &[u8]| came.windows(6).any(|part| part[0] == 1 && part[2..] == [0, 0, 0, 1]);
    while !headers(&came) {
        assert_ne!(stream.read_buf(&mut came).await.unwrap(), 0, "the request comes");
    }
    sleep(Duration::from_millis(20)).await;
    stream.write_all(&GO_AWAY).await.unwrap();
    // Closing with something unread resets the connection, and the client might not read why.
    while stream.read_buf(&mut came).await.is_ok_and(|read| read > 0) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_sent_again_and_whole() {
    for how in [Refusal::Reset, Refusal::Leave] {
        let (listener, address) = listener().await;
        let server = tokio::spawn(refusing(listener, 3, how, framed(&order("1", 7))));
        let client = OrdersClient::connect(&address).unwrap();
        assert_eq!(soon(client.get_order(get("1"))).await.unwrap().amount, 7);
        drop(client);
        assert_eq!(soon(server).await.unwrap(), framed(&get("1")));

        // Of a stream, what was sent is sent again, and then the rest.
        let (listener, address) = self::listener().await;
        let server = tokio::spawn(refusing(listener, 3, how, framed(&Summary { count: 9, amount: 9 })));
        let client = OrdersClient::connect(&address).unwrap();
        let requests = stream::iter(0..5).then(|amount| async move {
            sleep(Duration::from_millis(15)).await;
            order("", amount)
        });
        assert_eq!(soon(client.import(requests)).await.unwrap().count, 9);
        drop(client);
        let whole: Vec<u8> = (0..5).flat_map(|amount| framed(&order("", amount))).collect();
        assert_eq!(soon(server).await.unwrap(), whole);
    }
}

#[tokio::test]
async fn what_is_refused_for_ever_ends_as_unavailable() {
    let (listener, address) = listener().await;
    let server = tokio::spawn(refusing(listener, usize::MAX, Refusal::Reset, Bytes::new()));
    let client = OrdersClient::connect(&address).unwrap();
    let error = soon(client.get_order(get("1"))).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.to_string().contains("no request is taken"), "{error}");
    // More than is kept of a stream was sent: it cannot be sent again.
    let large = "x".repeat(50_000);
    let requests = stream::iter((0..4).map(move |amount| order(&large, amount)));
    let error = soon(client.import(requests)).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    server.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_cannot_be_reached_is_not_asked_by_every_call() {
    let (listener, address) = listener().await;
    let asked = Arc::<AtomicUsize>::default();
    let closing = tokio::spawn({
        let asked = Arc::clone(&asked);
        async move {
            loop {
                drop(listener.accept().await.unwrap());
                asked.fetch_add(1, SeqCst);
            }
        }
    });
    let client = OrdersClient::connect(&address).unwrap();
    let error = soon(client.get_order(get("1"))).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.to_string().contains(&format!("cannot connect to http://{address}: ")), "{error}");
    let until = Instant::now() + Duration::from_millis(300);
    let caller = async || {
        let mut calls = 0;
        while Instant::now() < until {
            assert_eq!(client.get_order(get("1")).await.unwrap_err().code(), Code::Unavailable);
            calls += 1;
        }
        calls
    };
    let calls: usize = soon(join_all((0..20).map(|_| caller()))).await.into_iter().sum();
    let asked = asked.load(SeqCst);
    assert!((2..=10).contains(&asked) && calls > 2 * asked, "{calls} calls asked {asked} times");

    // It is back, and so are calls, soon.
    closing.abort();
    let _ = closing.await;
    let socket = TcpListener::bind(&address).await.unwrap();
    let server = jovian_runtime::Server::new().add(OrdersServer::new(Shop::default()));
    tokio::spawn(server.serve(socket, std::future::pending(), Duration::ZERO));
    let back = async {
        while client.get_order(get("1")).await.is_err() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    soon(back).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_socket_of_this_machine_is_an_address() {
    let path = std::env::temp_dir().join(format!("jovian-pool-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let (request, respond) = connection.accept().await.unwrap().unwrap();
        let uri = request.uri().to_string();
        let sent = tokio::spawn(answer(request, respond, framed(&order("1", 1))));
        while connection.accept().await.is_some() {}
        (uri, sent.await.unwrap())
    });
    let client = OrdersClient::connect(format!("unix:{}", path.display())).unwrap();
    assert_eq!(soon(client.get_order(get("1"))).await.unwrap().id, "1");
    drop(client);
    let (uri, sent) = soon(server).await.unwrap();
    assert_eq!(uri, "http://localhost/shop.orders.v1.Orders/GetOrder");
    assert_eq!(Order::decode(&sent[5..]).unwrap().id, "1");
    std::fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn a_name_is_looked_up_and_all_its_addresses_are_tried() {
    let (listener, address) = listener().await;
    let port = address.rsplit(':').next().unwrap().to_owned();
    tokio::spawn(support::raw_server::answering(listener, "5"));
    // It may stand for ::1, too, where nobody listens.
    for _ in 0..10 {
        let client = OrdersClient::connect(format!("http://localhost:{port}")).unwrap();
        assert_eq!(soon(client.get_order(get("1"))).await.unwrap_err().code(), Code::NotFound);
    }
    let client = OrdersClient::connect("http://no-such-host.invalid:9000").unwrap();
    let error = soon(client.get_order(get("1"))).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.to_string().contains("no-such-host.invalid"), "{error}");
}
