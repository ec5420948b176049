//! The port for operators: what it says, when, and what it does not.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use jovian_runtime::health::ServingStatus;
use jovian_runtime::registry::MemoryRegistry;
use jovian_runtime::{App, AppConfig, Running};
use support::http::{ask, get, raw};
use support::{OrdersClient, OrdersServer, Shop, eventually, soon};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

fn config() -> AppConfig {
    let mut config = AppConfig::default();
    config.server.address = "127.0.0.1:0".to_owned();
    config.server.stop_wait_ms = 0;
    config
}

fn app(config: AppConfig) -> App {
    let registry = Arc::new(MemoryRegistry::new());
    App::new(config).with_registry(registry).serve(OrdersServer::new(Shop::default()))
}

async fn start(config: AppConfig) -> (Running, SocketAddr) {
    let running = app(config).start().await.unwrap();
    let governor = running.governor().expect("it has a governor");
    (running, governor)
}

#[tokio::test]
async fn the_first_page_lists_the_others_and_each_answers() {
    let (running, governor) = start(config()).await;
    assert!(governor.ip().is_loopback());
    let list = get(governor, "/").await;
    assert_eq!(list.status, 200);
    let pages: Vec<&str> = list
        .body
        .lines()
        .filter(|line| line.starts_with("GET"))
        .filter_map(|line| line.split(' ').find(|word| word.starts_with('/')))
        .collect();
    assert!(pages.len() >= 10, "{}", list.body);
    for page in pages {
        let answer = get(governor, page).await;
        // Only `run` sets the log up.
        assert_eq!(answer.status, if page == "/log" { 409 } else { 200 }, "{page}: {answer:?}");
        assert!(answer.head.contains("cache-control: no-store"), "{answer:?}");
    }
    soon(running.stop()).await.unwrap();
}

#[tokio::test]
async fn it_is_ready_while_everything_is_serving() {
    let (running, governor) = start(config()).await;
    let ready = get(governor, "/health/ready").await;
    assert_eq!((ready.status, &ready.json()["status"]), (200, &"SERVING".into()));

    running.health().set("shop.orders.v1.Orders", ServingStatus::NotServing);
    let ready = get(governor, "/health/ready").await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.json()["not_serving"], serde_json::json!(["shop.orders.v1.Orders"]));
    assert_eq!(ready.json()["services"][""], "SERVING");
    assert_eq!(get(governor, "/health/live").await.status, 200, "it is not ready, and alive");

    running.health().set("shop.orders.v1.Orders", ServingStatus::Serving);
    assert_eq!(get(governor, "/health/ready").await.status, 200);
    soon(running.stop()).await.unwrap();
}

#[tokio::test]
async fn it_outlives_the_last_call_and_says_that_it_is_not_ready() {
    let shop = Shop::default();
    let begun = Arc::clone(&shop.traces.begun);
    let registry = Arc::new(MemoryRegistry::new());
    let running =
        App::new(config()).with_registry(registry).serve(OrdersServer::new(shop)).start().await.unwrap();
    let governor = running.governor().unwrap();
    let client = OrdersClient::connect(running.address().to_string()).unwrap();
    let call = tokio::spawn(async move { client.get_order(support::get("nap")).await });
    eventually("the handler runs", || begun.load(SeqCst) == 1).await;
    let stopping = tokio::spawn(running.stop());
    tokio::time::sleep(Duration::from_millis(50)).await;
    let ready = get(governor, "/health/ready").await;
    assert!(!call.is_finished(), "the drain waits for the call");
    assert_eq!((ready.status, &ready.json()["status"]), (503, &"NOT_SERVING".into()));
    assert_eq!(soon(call).await.unwrap().unwrap().id, "nap");
    soon(stopping).await.unwrap().unwrap();
    assert!(TcpStream::connect(governor).await.is_err(), "nobody listens");
}

#[tokio::test]
async fn routes_and_build_say_what_runs() {
    let mut config = config();
    config.app.version = "1.4.2".to_owned();
    config.server.policy.slow_log_ms = Some(250);
    let (running, governor) = start(config).await;
    let routes = get(governor, "/routes").await.json();
    let services: Vec<&str> =
        routes.as_array().unwrap().iter().map(|service| service["service"].as_str().unwrap()).collect();
    assert_eq!(services[..2], ["shop.orders.v1.Orders", "grpc.health.v1.Health"]);
    let method = &routes[0]["methods"][0];
    assert_eq!(method["path"], "/shop.orders.v1.Orders/GetOrder");
    assert_eq!(method["kind"], "unary");
    // What the IDL says of the method, and what the configuration says of all.
    assert_eq!(method["policy"], serde_json::json!({ "timeout_ms": 2000, "slow_log_ms": 250 }));
    assert_eq!(routes[0]["methods"][1]["kind"], "server stream");

    let build = get(governor, "/build").await.json();
    assert_eq!(build["name"], "shop.order.orders");
    assert_eq!(build["version"], "1.4.2");
    assert_eq!(build["runtime"], env!("CARGO_PKG_VERSION"));
    assert_eq!(build["pid"], std::process::id());
    soon(running.stop()).await.unwrap();
}

#[tokio::test]
async fn metrics_count_the_calls() {
    let (running, governor) = start(config()).await;
    let client = OrdersClient::connect(running.address().to_string()).unwrap();
    soon(client.get_order(support::get("1"))).await.unwrap();
    let page = get(governor, "/metrics").await;
    assert!(page.head.contains("content-type: text/plain; version=0.0.4"), "{}", page.head);
    let counts = |line: &&str| {
        line.starts_with("server_handle_total{") && line.contains("GetOrder") && line.contains(r#"code="OK""#)
    };
    let line = page.body.lines().find(counts).unwrap_or_else(|| panic!("{}", page.body));
    let count: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(count >= 1.0, "{line}");
    soon(running.stop()).await.unwrap();
}

#[tokio::test]
async fn the_configuration_is_shown_with_its_places_and_without_its_secrets() {
    let text = r#"
juno_configuration_version = "5eb63bbb"
[app]
name = "orders"
metadata = { team = "shop", api_key = "k-123", store = "redis://me:word@host/0" }
[server]
address = "127.0.0.1:0"
[governor]
public = ["warehouse", "limits"]
[custom]
warehouse = "north"
wharf = "w-123"
limits = { small = 1 }
"#;
    let environment = [("JOVIAN_APP__ZONE".into(), "eu-1a".into())];
    let mut config = AppConfig::parse("config/app.toml", text, environment).unwrap();
    config.server.stop_wait_ms = 0;
    let (running, governor) = start(config).await;
    let page = get(governor, "/config").await;
    let config = page.json();
    for (key, value, from) in [
        ("app.name", "orders", "config/app.toml:4:8"),
        ("app.zone", "eu-1a", "environment variable JOVIAN_APP__ZONE"),
        ("app.metadata.team", "shop", "config/app.toml:5:21"),
        ("app.metadata.api_key", "(hidden)", "config/app.toml:5:39"),
        ("app.metadata.store", "redis://me:(hidden)@host/0", "config/app.toml:5:56"),
        ("registry.kind", "memory", "default"),
        ("custom.warehouse", "north", "config/app.toml:11:13"),
        ("custom.wharf", "(hidden)", "config/app.toml:12:9"),
    ] {
        assert_eq!((&config[key]["value"], &config[key]["from"]), (&value.into(), &from.into()), "{key}");
    }
    assert_eq!(config["custom.limits.small"]["value"], 1);
    assert_eq!(config["server.stop_wait_ms"]["from"], "the program");
    assert_eq!(
        (&config["log.level"]["hot"], &config["server.address"]["hot"]),
        (&true.into(), &false.into())
    );

    let flat = get(governor, "/configs").await;
    assert_eq!(flat.json()["juno_configuration_version"], "5eb63bbb", "Juno looks for it here");
    assert_eq!(flat.json()["server.address"], "127.0.0.1:0");
    for secret in ["k-123", "w-123", "word@"] {
        assert!(!page.body.contains(secret) && !flat.body.contains(secret), "{secret}");
    }
    soon(running.stop()).await.unwrap();
}

#[tokio::test]
async fn odd_requests_are_refused_and_disturb_nobody() {
    let (running, governor) = start(config()).await;
    let none = get(governor, "/nowhere").await;
    assert_eq!((none.status, none.body.as_str()), (404, "no such page; `/` lists those that there are\n"));

    let wrong = ask(governor, "POST", "/log", "").await;
    assert_eq!((wrong.status, wrong.body.as_str()), (405, "this page takes GET, PUT, DELETE\n"));
    assert!(wrong.head.contains("allow: get, put, delete"), "{}", wrong.head);

    let head = ask(governor, "HEAD", "/health/live", "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));

    let large = ask(governor, "PUT", "/log", &"x".repeat(17 * 1024)).await;
    assert_eq!((large.status, large.body.as_str()), (413, "a body has at most 16384 bytes\n"));

    let long = format!("GET / HTTP/1.1\r\nx-long: {}\r\n\r\n", "x".repeat(32 * 1024));
    let answer = raw(governor, long.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 ") || answer.is_empty(), "{answer}");
    for garbage in [&b"\x16\x03\x01\x00\xa5\x01"[..], b"hello\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let answer = raw(governor, garbage).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    assert_eq!(get(governor, "/health/live").await.status, 200);
    soon(running.stop()).await.unwrap();
}

#[tokio::test]
async fn pages_of_strangers_learn_nothing() {
    let (running, governor) = start(config()).await;
    let asked = |host: &str| format!("GET /config HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    let port = governor.port();
    for ours in
        [format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}"), "10.0.0.1".into()]
    {
        let answer = raw(governor, asked(&ours).as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{ours}: {answer}");
    }
    for theirs in
        [format!("rebound.example:{port}"), format!("localhost.example:{port}"), "127.0.0.1.example".into()]
    {
        let answer = raw(governor, asked(&theirs).as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 421"), "{theirs}: {answer}");
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn whoever_says_nothing_is_sent_away() {
    let (running, governor) = start(config()).await;
    let began = Instant::now();
    let mut silent = Vec::new();
    // As many as it takes at once.
    for _ in 0..64 {
        silent.push(TcpStream::connect(governor).await.unwrap());
    }
    assert_eq!(get(governor, "/health/live").await.status, 200, "the one who came last is served, too");
    assert!(began.elapsed() > Duration::from_secs(3), "there was room only when the first were sent away");
    for mut stream in silent {
        let mut said = Vec::new();
        let _ = soon(stream.read_to_end(&mut said)).await;
    }
    soon(running.stop()).await.unwrap();
}

#[tokio::test]
async fn a_connection_may_be_kept_and_does_not_keep_the_app() {
    let (running, governor) = start(config()).await;
    let idle = TcpStream::connect(governor).await.unwrap();
    let began = Instant::now();
    soon(running.stop()).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(3));
    drop(idle);
}

#[tokio::test]
async fn it_can_be_switched_off_and_its_address_is_named_if_it_does_not_work() {
    let mut off = config();
    off.governor.enabled = false;
    let running = app(off).start().await.unwrap();
    assert_eq!(running.governor(), None);
    soon(running.stop()).await.unwrap();

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut config = config();
    config.governor.address = Some(address.clone());
    let error = soon(app(config).start()).await.unwrap_err().to_string();
    assert_eq!(error, format!("cannot listen at `{address}`, the `address` of [governor]"));
}

#[test]
fn its_port_is_the_one_after_the_servers() {
    let governor = AppConfig::default().governor;
    for (server, beside) in [
        ("127.0.0.1:9000", "127.0.0.1:9001"),
        ("0.0.0.0:80", "127.0.0.1:81"),
        ("[::]:9000", "127.0.0.1:9001"),
        ("127.0.0.1:0", "127.0.0.1:0"),
        ("127.0.0.1:65535", "127.0.0.1:0"),
        ("unix:socket", "127.0.0.1:0"),
    ] {
        assert_eq!(governor.address_beside(server), beside);
    }
}
