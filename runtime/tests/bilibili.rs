//! The registry in a real discovery of bilibili: what is registered is found, and stays so whatever happens.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]
#![cfg(all(feature = "discovery", unix))]

#[path = "support/bilibili.rs"]
mod node;
#[path = "support/stores.rs"]
mod stores;
mod support;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jovian_runtime::registry::layout::{Discovery, Options};
use jovian_runtime::registry::{
    DiscoveryOptions, DiscoveryRegistry, Instance, Registration, Registry as _, Wanted,
};
use jovian_runtime::{App, AppConfig};
use node::Node;
use serde_json::Value;
use stores::{APP, PATIENCE, becomes, ids, instance, turns};
use support::http::{ask, raw};
use support::{OrdersClient, OrdersServer, Shop, get, soon};
use tokio::time::{sleep, timeout};

/// Shorter than usual: a test does not wait half a minute.
const RENEWAL: Duration = Duration::from_millis(500);

fn options(node: &Node, env: &str) -> DiscoveryOptions {
    let layout = Discovery::new(&Options::default(), env, "sh001");
    DiscoveryOptions::at([node.address().to_string()], layout).renewal(RENEWAL)
}

fn registry(node: &Node) -> DiscoveryRegistry {
    DiscoveryRegistry::new(options(node, "dev"))
}

/// What the node itself says of an app: its instances, or the number of the error.
async fn fetched(node: &Node, appid: &str) -> Result<Vec<Value>, i64> {
    // In a version of HTTP that has no chunks.
    let path = format!("/discovery/fetch?env=dev&appid={appid}&status=3");
    let answer = raw(node.address(), format!("GET {path} HTTP/1.0\r\nhost: node\r\n\r\n").as_bytes()).await;
    let answer: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    match answer["code"].as_i64().unwrap() {
        0 => Ok(answer["data"]["instances"]["sh001"].as_array().unwrap().clone()),
        code => Err(code),
    }
}

/// Says something to the node, as an operator or another client would.
async fn post(node: &Node, path: &str, form: &str) {
    let page = ask(node.address(), "POST", &format!("/discovery/{path}?{form}"), "").await;
    assert_eq!(page.json()["code"], 0, "{}", page.body);
}

async fn comes(what: &str, is_so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !is_so().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(timeout(PATIENCE, waiting).await.is_ok(), "never came to be: {what}");
}

#[tokio::test]
async fn what_is_registered_is_found_until_it_leaves() {
    let Some(node) = Node::start("found") else { return };
    let registry = registry(&node);
    let mut watched = registry.watch(&Wanted::app(APP));
    let weighted = Instance { weight: 30, version: "1.4.2".to_owned(), ..instance("10.0.0.1:9000") };
    let one = registry.register(weighted).await.unwrap();
    let two = registry.register(instance("10.0.0.2:9000")).await.unwrap();
    assert!(one.is_held() && two.is_held());
    becomes(&mut watched, &["10.0.0.1:9000", "10.0.0.2:9000"]).await;
    assert_eq!((watched.borrow()[0].weight, watched.borrow()[0].version.as_str()), (30, "1.4.2"));
    let told = fetched(&node, APP).await.unwrap();
    let addresses = told.iter().map(|one| one["addrs"][0].as_str().unwrap());
    assert!(addresses.clone().any(|address| address == "grpc://10.0.0.1:9000"), "{told:?}");

    // A change is told at once.
    let begun = Instant::now();
    one.deregister().await.unwrap();
    assert_eq!(fetched(&node, APP).await.unwrap().len(), 1, "it is gone when it returns");
    becomes(&mut watched, &["10.0.0.2:9000"]).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    // But for the last one.
    drop(two);
    becomes(&mut watched, &[]).await;
    assert_eq!(fetched(&node, APP).await, Err(-404));
}

#[tokio::test]
async fn environments_are_apart_and_the_first_instance_is_found_at_once() {
    let Some(node) = Node::start("environments") else { return };
    let (dev, prod) = (registry(&node), DiscoveryRegistry::new(options(&node, "prod")));
    let mut watched = dev.watch(&Wanted::app(APP));
    let _prod = prod.register(instance("10.0.0.9:9000")).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert!(watched.borrow().is_empty());
    let begun = Instant::now();
    let _dev = dev.register(instance("10.0.0.1:9000")).await.unwrap();
    becomes(&mut watched, &["10.0.0.1:9000"]).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn one_bad_record_hides_nobody() {
    let Some(node) = Node::start("bad") else { return };
    let registry = registry(&node);
    let mut watched = registry.watch(&Wanted::app(APP));
    let addresses: Vec<String> = (0..99).map(|number| format!("10.0.0.{number:02}:9000")).collect();
    let registering = addresses.iter().map(|address| registry.register(instance(address)));
    let _registered: Vec<Registration> =
        join_all(registering).await.into_iter().map(Result::unwrap).collect();
    let bad = "zone=sh001&env=dev&hostname=bad&status=1&addrs=grpc://nonsense&metadata=%7B%7D";
    post(&node, "register", &format!("appid={APP}&{bad}")).await;
    assert_eq!(fetched(&node, APP).await.unwrap().len(), 100);
    let expected: Vec<&str> = addresses.iter().map(String::as_str).collect();
    becomes(&mut watched, &expected).await;
}

#[tokio::test]
async fn what_somebody_removes_is_registered_again_and_what_an_operator_says_holds() {
    let Some(node) = Node::start("removed") else { return };
    let registry = registry(&node);
    let _one = registry.register(instance("10.0.0.1:9000")).await.unwrap();
    let _two = registry.register(instance("10.0.0.2:9000")).await.unwrap();
    let mut watched = registry.watch(&Wanted::app(APP));
    becomes(&mut watched, &["10.0.0.1:9000", "10.0.0.2:9000"]).await;
    let of = |hostname: &str| format!("zone=sh001&env=dev&appid={APP}&hostname={hostname}");
    post(&node, "cancel", &of("10.0.0.1:9000")).await;
    becomes(&mut watched, &["10.0.0.2:9000"]).await;
    becomes(&mut watched, &["10.0.0.1:9000", "10.0.0.2:9000"]).await;

    // A change of the status has no time of its own: only those who wait are told at once.
    sleep(Duration::from_secs(1)).await;
    post(&node, "set", &format!("{}&status=2", of("10.0.0.2:9000"))).await;
    becomes(&mut watched, &["10.0.0.1:9000"]).await;
    sleep(4 * RENEWAL).await;
    assert_eq!(ids(&watched.borrow()), ["10.0.0.1:9000"], "it stays so");
    sleep(Duration::from_secs(1)).await;
    post(&node, "set", &format!("{}&status=1", of("10.0.0.2:9000"))).await;
    becomes(&mut watched, &["10.0.0.1:9000", "10.0.0.2:9000"]).await;
}

#[tokio::test]
async fn a_discovery_that_is_away_or_lost_everything_is_waited_for_and_filled_again() {
    let Some(mut node) = Node::start("away") else { return };
    node.kill();
    let registry = registry(&node);
    let protected = DiscoveryRegistry::new(options(&node, "dev").empty_protection(true));
    let begun = Instant::now();
    let registration = registry.register(instance("10.0.0.1:1")).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(!registration.is_held());
    let state = |well: bool| {
        let mut states = jovian_runtime::registry::stores().into_iter();
        states.any(|state| state.store == "discovery" && state.id == "10.0.0.1:1" && state.is_well == well)
    };
    assert!(state(false));
    node.resume();
    let (mut watched, mut kept) = (registry.watch(&Wanted::app(APP)), protected.watch(&Wanted::app(APP)));
    becomes(&mut watched, &["10.0.0.1:1"]).await;
    becomes(&mut kept, &["10.0.0.1:1"]).await;
    comes("it says so", async || registration.is_held() && state(true)).await;

    kept.borrow_and_update();
    node.kill();
    comes("it is known to be away", async || !registration.is_held()).await;
    assert_eq!(ids(&watched.borrow()), ["10.0.0.1:1"], "what is known stays");
    // It keeps nothing but in memory.
    node.resume();
    comes("it is registered again", async || fetched(&node, APP).await.is_ok_and(|all| all.len() == 1)).await;
    turns(&mut watched, |list| ids(list) == ["10.0.0.1:1"]).await;
    while kept.has_changed().unwrap() {
        assert!(!kept.borrow_and_update().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_calls_another_one_through_discovery() {
    let Some(node) = Node::start("apps") else { return };
    let address = node.address();
    let config = |more: &str| {
        let text = format!(
            "[server]\naddress = \"127.0.0.1:0\"\nstop_wait_ms = 0\n[registry]\nkind = \"discovery\"\n\
             endpoints = [\"{address}\"]\n{more}\n\
             [registry.options.discovery]\nnames = {{ \"shop.order.orders\" = \"main.orders\" }}\n"
        );
        AppConfig::parse("app.toml", &text, []).unwrap()
    };
    let place = "discovery = { env = \"dev\", region = \"sh\", zone = \"sh001\" }";
    let app = App::new(config(place)).serve(OrdersServer::new(Shop::default()));
    let served = app.start().await.unwrap();
    let told = fetched(&node, "main.orders").await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0]["region"].as_str(), told[0]["zone"].as_str()), (Some("sh"), Some("sh001")));

    // Whoever looks says the environment alone, and by itself it is this one.
    let caller = App::new(config(""));
    let client = OrdersClient::find(caller.registry().as_ref()).unwrap();
    assert_eq!(soon(client.get_order(get("1"))).await.unwrap().id, "1");
    let client = OrdersClient::connect(format!("discovery://{address}/main.orders?env=dev")).unwrap();
    assert_eq!(soon(client.get_order(get("2"))).await.unwrap().id, "2");

    let governor = served.governor().unwrap();
    let page = support::http::get(governor, "/registry").await.body;
    assert!(page.contains(r#""well": true"#) && page.contains(r#""discovery""#), "{page}");
    served.stop().await.unwrap();
    assert_eq!(fetched(&node, "main.orders").await, Err(-404));
}
