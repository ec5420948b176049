//! A server that speaks TLS, called by tokio-rustls and hyper, which know nothing of it.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

#[path = "../../../runtime/tests/support/mod.rs"]
mod support;

use std::collections::HashSet;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jovian_runtime::{
    App, AppConfig, Call, ConnectionSection, Interceptor, Next, Policies, Policy, Reply, Server, TlsSection,
};
use jovian_tests_tls::{Authority, LOCALHOST, Names, Secret, connector, encrypted, files, secret};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use support::raw::{Raw, framed};
use support::wire::{Ended, Wire};
use support::{OrdersServer, Running, Shop, eventually, get, soon, watch};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::TlsConnector;
use tonic::Status;

const GET: &str = "/shop.orders.v1.Orders/GetOrder";
const WATCH: &str = "/shop.orders.v1.Orders/Watch";

fn settings(secret: &Secret) -> TlsSection {
    let mut section = TlsSection::new(secret.path("cert.pem"), secret.path("key.pem"));
    section.reload_ms = 20.try_into().unwrap();
    section
}

fn mutual(secret: &Secret) -> TlsSection {
    TlsSection { client_ca: Some(secret.path("ca.pem")), ..settings(secret) }
}

/// Remembers whom certificates named, and who that was taken for.
#[derive(Clone, Default)]
struct Callers(Arc<Mutex<Vec<[Option<String>; 2]>>>);

impl Interceptor for Callers {
    async fn around(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Status> {
        assert!(call.peer().unwrap().ip().is_loopback());
        self.0
            .lock()
            .unwrap()
            .push([call.peer_certificate(), call.caller()].map(|name| name.map(str::to_owned)));
        next.run(call).await
    }
}

async fn serve(tls: TlsSection) -> (Running, Shop, Callers) {
    let (shop, callers) = (Shop::default(), Callers::default());
    let connections = ConnectionSection { handshake_timeout_ms: 500, ..ConnectionSection::default() };
    let service = OrdersServer::new(shop.clone());
    // Large messages take a while where others build.
    let patient = Policies::new().all(Policy::new().timeout(Duration::from_secs(60)));
    let server = Server::new().add(service).intercept(callers.clone()).connections(connections).tls(tls);
    let server = server.policies(patient);
    (Running::start(server).await, shop, callers)
}

/// One call on a connection of its own. Where a server refuses a client, TLS 1.3 tells it at its first read.
async fn call(running: &Running, connector: &TlsConnector) -> Result<(), Box<dyn Error>> {
    let stream = encrypted(running.address, connector).await?;
    let (mut send, connection) = hyper::client::conn::http2::handshake(
        hyper_util::rt::TokioExecutor::new(),
        hyper_util::rt::TokioIo::new(stream),
    )
    .await?;
    tokio::spawn(connection);
    let response = soon(send.send_request(Raw::request(GET, framed(&get("1")), &[("aid", "admin")]))).await?;
    assert_eq!(response.status(), http::StatusCode::OK);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_encrypted() {
    let authority = Authority::new();
    let secret = secret(&authority, &authority.issue(LOCALHOST));
    let (running, _, callers) = serve(settings(&secret)).await;
    let stream = encrypted(running.address, &connector(&authority, None)).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let raw = Raw::over(stream).await;
    let calls = (0..50).map(|number| {
        let mut raw = Raw { send: raw.send.clone(), connection: tokio::spawn(async {}) };
        let id = if number % 25 == 0 { "x".repeat(5 << 20) } else { number.to_string() };
        async move { raw.unary(GET, get(&id), &[]).await.unwrap().id == id }
    });
    assert!(soon(join_all(calls)).await.into_iter().all(|same| same), "5 MiB between small ones");
    call(&running, &connector(&authority, None)).await.unwrap();
    let mut named = callers.0.lock().unwrap().clone();
    assert_eq!(named.pop().unwrap(), [None, Some("admin".to_owned())], "it is believed what it says");
    assert!(named.into_iter().flatten().all(|name| name.is_none()), "nobody was asked who they are");

    let mut plain = TcpStream::connect(running.address).await.unwrap();
    plain.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let mut said = Vec::new();
    let _ = soon(plain.read_to_end(&mut said)).await;
    assert!(said.len() < 16, "an alert of TLS at most: {said:?}");

    let begun = Instant::now();
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    let _ = soon(silent.read_to_end(&mut said)).await;
    assert!(begun.elapsed() >= Duration::from_millis(450), "it had its time, and then it was closed");

    let stranger = call(&running, &connector(&Authority::new(), None)).await.unwrap_err();
    assert!(stranger.to_string().starts_with("invalid peer certificate"), "{stranger}");
}

/// What HTTP/2 would refuse is repaired within TLS.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_with_an_authority_that_is_none_are_answered() {
    let authority = Authority::new();
    let secret = secret(&authority, &authority.issue(LOCALHOST));
    let (running, _, _) = serve(settings(&secret)).await;
    for name in ["grpc:rusty:v1:dev/", "h1:2379,h2:2379", "shop"] {
        let mut wire =
            Wire::over(encrypted(running.address, &connector(&authority, None)).await.unwrap()).await;
        for id in ["1", "2"] {
            assert_eq!(wire.call(name, id, &[]).await, Ended::Answered(id.to_owned()), "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_makes_the_handler_wait() {
    let authority = Authority::new();
    let secret = secret(&authority, &authority.issue(LOCALHOST));
    let (running, shop, _) = serve(settings(&secret)).await;
    let mut raw = Raw::over(encrypted(running.address, &connector(&authority, None)).await.unwrap()).await;
    let request = Raw::request(WATCH, framed(&watch(&"x".repeat(16 << 10), 1000)), &[]);
    let response = soon(raw.send.send_request(request)).await.unwrap();
    let written = || shop.traces.messages.load(SeqCst);
    eventually("it writes", || written() > 50).await;
    sleep(Duration::from_millis(300)).await;
    let before = written();
    sleep(Duration::from_millis(200)).await;
    assert_eq!(written(), before, "it waits");
    assert!(before < 400, "{before} messages of 16 KiB are buffered");
    let body = soon(http_body_util::BodyExt::collect(response.into_body())).await.unwrap();
    assert_eq!(body.trailers().unwrap()["grpc-status"], "0");
    assert_eq!(written(), 1000);
}

#[tokio::test]
async fn callers_are_whom_their_certificates_name() {
    let authority = Authority::new();
    let secret = secret(&authority, &authority.issue(LOCALHOST));
    let (running, _, callers) = serve(mutual(&secret)).await;
    let all = Names { uri: "spiffe://shop/orders", dns: "orders.shop", common: "orders" };
    let (dns, common) = (Names { uri: "", ..all }, Names { uri: "", dns: "", ..all });
    for names in [all, dns, common, Names::default()] {
        call(&running, &connector(&authority, Some(&authority.issue(names)))).await.unwrap();
    }
    let named = callers.0.lock().unwrap().clone();
    let named: Vec<_> = named.iter().map(|names| names.each_ref().map(Option::as_deref)).collect();
    // All of them said that they are `admin`.
    let expected = [Some("spiffe://shop/orders"), Some("orders.shop"), Some("orders"), None];
    assert_eq!(named, expected.map(|name| [name, name]));
}

#[tokio::test]
async fn who_has_no_good_certificate_is_refused() {
    let authority = Authority::new();
    let secret = secret(&authority, &authority.issue(LOCALHOST));
    let (running, shop, _) = serve(mutual(&secret)).await;
    let orders = Names { common: "orders", ..Names::default() };
    for (identity, why) in [
        (None, "CertificateRequired"),
        (Some(Authority::new().issue(orders)), "Unknown"),
        (Some(authority.issue_expired(orders)), "Expired"),
    ] {
        let error = call(&running, &connector(&authority, identity.as_ref())).await.unwrap_err();
        let mut text = format!("{error:?}");
        let mut source = error.source();
        while let Some(error) = source {
            text += &format!(" {error:?}");
            source = error.source();
        }
        assert!(text.contains(why) || text.contains("DecryptError"), "{why}: {text}");
    }
    assert_eq!(shop.traces.begun.load(SeqCst), 0, "nobody was let in");
    call(&running, &connector(&authority, Some(&authority.issue(orders)))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_change_under_load_without_a_failed_call() {
    let authority = Authority::new();
    let secret = secret(&authority, &authority.issue(LOCALHOST));
    let (running, shop, _) = serve(settings(&secret)).await;
    let connector = connector(&authority, None);
    let mut lasting = Raw::over(encrypted(running.address, &connector).await.unwrap()).await;

    let (seen, done) = (Mutex::new(HashSet::new()), AtomicBool::new(false));
    let callers = (0..4).map(|_| async {
        let mut calls = 0;
        while !done.load(SeqCst) {
            let stream = encrypted(running.address, &connector).await.unwrap();
            seen.lock().unwrap().insert(stream.get_ref().1.peer_certificates().unwrap()[0].to_vec());
            let mut raw = Raw::over(stream).await;
            for _ in 0..5 {
                raw.unary(GET, get("1"), &[]).await.unwrap();
                calls += 1;
            }
        }
        calls
    });
    let changes = async {
        for _ in 0..6 {
            let renewed = authority.issue(LOCALHOST);
            let text = files(&authority, &renewed);
            secret.swap(&text.each_ref().map(|(name, text)| (*name, text.as_str())));
            let certificate = CertificateDer::from_pem_slice(renewed.cert.as_bytes()).unwrap();
            eventually("callers see it", || seen.lock().unwrap().contains(certificate.as_ref())).await;
        }
        done.store(true, SeqCst);
    };
    let lasts = async {
        let mut calls = 0;
        while !done.load(SeqCst) {
            lasting.unary(GET, get("1"), &[]).await.unwrap();
            calls += 1;
        }
        calls
    };
    let (calls, (), lasted) = tokio::join!(join_all(callers), changes, lasts);
    assert_eq!(shop.traces.completed.load(SeqCst), calls.into_iter().sum::<usize>() + lasted);
}

#[tokio::test]
async fn an_app_has_its_certificates_from_its_configuration() {
    let authority = Authority::new();
    let secret = secret(&authority, &authority.issue(LOCALHOST));
    let [cert, key, ca] = ["cert.pem", "key.pem", "ca.pem"].map(|name| secret.path(name));
    let start = |text: String| async move {
        let config = AppConfig::parse("app.toml", &text, []).unwrap();
        App::new(config).serve(OrdersServer::new(Shop::default())).start().await
    };
    let tls = |cert: &std::path::Path| {
        format!(
            "registry.kind = 'none'\n[server]\naddress = '127.0.0.1:0'\n[server.tls]\ncert = '{}'\nkey = '{}'\nclient_ca = '{}'\n",
            cert.display(),
            key.display(),
            ca.display()
        )
    };
    let running = start(tls(&cert)).await.unwrap();
    let stream = TcpStream::connect(running.address().to_string()).await.unwrap();
    let identity = authority.issue(Names { common: "orders", ..Names::default() });
    let connector = connector(&authority, Some(&identity));
    let stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    let reply = soon(Raw::over(stream).await.unary(GET, get("1"), &[])).await.unwrap();
    assert_eq!(reply.id, "1");
    soon(running.stop()).await.unwrap();

    let missing = secret.path("nowhere.pem");
    let error = start(tls(&missing)).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot use `{}`, the `cert` of TLS", missing.display()));
    let error = start(tls(&key)).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot use `{}`, the `cert` of TLS", key.display()));
    let error = AppConfig::parse("app.toml", "[server.tls]\ncert = 'x'\n", []).unwrap_err();
    assert_eq!(error.to_string(), "app.toml:1:1: `server.tls`: key `key` is missing");
}
