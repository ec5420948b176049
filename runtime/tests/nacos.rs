//! The registry in a real Nacos: what is registered is found, by others too, and stays so whatever happens.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]
#![cfg(all(feature = "nacos", unix))]

#[path = "support/nacos.rs"]
mod server;
#[path = "support/stores.rs"]
mod stores;
mod support;

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jovian_runtime::registry::layout::{Nacos as Layout, Options};
use jovian_runtime::registry::{
    Instance, NacosOptions, NacosRegistry, Provided, Registration, Registry as _, Wanted,
};
use jovian_runtime::{App, AppConfig};
use serde_json::Value;
use server::Nacos;
use stores::{Cable, PATIENCE, Process, becomes, ids, turns};
use support::http::raw;
use support::{OrdersClient, OrdersServer, Shop, get, soon};
use tokio::time::{sleep, timeout};

/// How long a server waits for a sign of life before it asks for one, and then for the answer, rounded up.
const SILENCE: Duration = Duration::from_secs(32);

/// The server that most tests share: it takes its time to start. It ends with this process.
fn shared() -> Option<&'static Nacos> {
    static SHARED: OnceLock<Option<Nacos>> = OnceLock::new();
    SHARED.get_or_init(|| Nacos::start("shared", &[])).as_ref()
}

fn layouts(names: &[&str]) -> Vec<Layout> {
    names.iter().map(|name| Layout::by_name(name, &Options::default()).unwrap()).collect()
}

fn options(store: &Nacos, names: &[&str]) -> NacosOptions {
    NacosOptions::at([store.endpoint()], layouts(names))
}

fn registry(store: &Nacos, names: &[&str]) -> NacosRegistry {
    NacosRegistry::new(options(store, names))
}

/// A service of its own for each test, at this address.
fn serving(test: &str, address: &str) -> Instance {
    let orders =
        Provided::declared(&format!("shop.{test}.Orders"), &format!("com.shop.{test}.Orders"), ["GetOrder"]);
    Instance { services: vec![orders], ..Instance::new(format!("shop.order.{test}"), address) }
}

fn wanted(test: &str) -> Wanted {
    let served = serving(test, "").services.remove(0);
    let mut wanted = Wanted::app(format!("shop.order.{test}"));
    (wanted.name, wanted.java) = (served.name, served.java);
    wanted
}

/// The store by itself, as people and old clients use it: over HTTP, in a version that has no chunks.
async fn over_http(store: &Nacos, verb: &str, path: &str) -> String {
    let request = format!("{verb} /nacos/v1{path} HTTP/1.0\r\nhost: nacos\r\ncontent-length: 0\r\n\r\n");
    let answer = raw(store.address(), request.as_bytes()).await;
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// Waits until something is so; others are asked for it.
async fn comes(what: &str, is_so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !is_so().await {
            sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(timeout(PATIENCE, waiting).await.is_ok(), "never came to be: {what}");
}

/// The instances of a service, as the store tells of them over HTTP.
async fn listed(store: &Nacos, service: &str) -> Vec<Value> {
    let list = over_http(store, "GET", &format!("/ns/instance/list?serviceName={service}")).await;
    serde_json::from_str::<Value>(&list).unwrap()["hosts"].as_array().unwrap().clone()
}

async fn text(store: &Nacos, group: &str, data_id: &str) -> String {
    over_http(store, "GET", &format!("/cs/configs?group={group}&dataId={data_id}")).await
}

#[tokio::test]
async fn what_is_registered_is_found_until_it_leaves() {
    let Some(store) = shared() else { return };
    let all = ["dubbo-tri", "dubbo-app", "kratos"];
    let registry = registry(store, &all);
    let mut watched = registry.watch(&wanted("found"));
    let one = registry.register(serving("found", "10.0.0.1:9001")).await.unwrap();
    // Of two that one process registers, none takes the place of the other.
    let two = registry.register(serving("found", "10.0.0.1:9002")).await.unwrap();
    assert!(one.is_held() && two.is_held());
    becomes(&mut watched, &["10.0.0.1:9001", "10.0.0.1:9002"]).await;
    // What is listed over HTTP is a copy, which is renewed a moment later.
    for service in [
        "providers:com.shop.found.Orders::",
        "providers:shop.found.Orders::",
        "shop.order.found",
        "shop.order.found.grpc",
    ] {
        comes(service, async || listed(store, service).await.len() == 2).await;
        let hosts = listed(store, service).await;
        let is_usual = |host: &Value| {
            host["ephemeral"] == true && host["healthy"] == true && host["clusterName"] == "DEFAULT"
        };
        assert!(hosts.iter().all(is_usual), "{hosts:?}");
    }
    assert!(text(store, "mapping", "com.shop.found.Orders").await.contains("shop.order.found"));

    let begun = Instant::now();
    one.deregister().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    comes("it is gone", async || listed(store, "shop.order.found.grpc").await.len() == 1).await;
    becomes(&mut watched, &["10.0.0.1:9002"]).await;
    drop(two);
    becomes(&mut watched, &[]).await;
}

#[tokio::test]
async fn a_client_of_java_sees_what_is_written_and_writes_what_is_seen() {
    let Some(store) = shared() else { return };
    let registry = registry(store, &["kratos"]);
    let service = "shop.order.java.grpc";
    let seen = |address: &str, weight: &str| {
        format!("{address} weight={weight} enabled=true protocol=null kind=grpc")
    };
    let weighted = Instance { weight: 30, ..serving("java", "10.0.0.1:9000") };
    let one = registry.register(weighted).await.unwrap();
    let mut java = store.client(&["subscribe", service]);
    java.says(&format!("sees {}", seen("10.0.0.1:9000", "30.0")));

    let other =
        store.client(&["register", service, "10.0.0.2", "9000", "kind=grpc", "version=2.0", "colour=gray"]);
    java.says(&format!("sees {}, {}", seen("10.0.0.1:9000", "30.0"), seen("10.0.0.2:9000", "1.0")));
    let mut watched = registry.watch(&wanted("java"));
    becomes(&mut watched, &["10.0.0.1:9000", "10.0.0.2:9000"]).await;
    assert_eq!((watched.borrow()[0].weight, watched.borrow()[1].version.as_str()), (30, "2.0"));

    other.leave();
    becomes(&mut watched, &["10.0.0.1:9000"]).await;
    one.deregister().await.unwrap();
    java.says("sees ");
}

#[tokio::test]
async fn one_bad_record_hides_nobody() {
    let Some(store) = shared() else { return };
    let registry = registry(store, &["dubbo-app"]);
    let mut watched = registry.watch(&wanted("bad"));
    let addresses: Vec<String> = (100..199).map(|number| format!("10.0.0.{number}:9000")).collect();
    let registering = addresses.iter().map(|address| registry.register(serving("bad", address)));
    let _registered: Vec<Registration> =
        join_all(registering).await.into_iter().map(Result::unwrap).collect();
    let bad =
        "serviceName=shop.order.bad&ip=10.0.1.1&port=1&metadata=%7B%22dubbo.endpoints%22:%22%5B%7B%22%7D";
    let answer = over_http(store, "POST", &format!("/ns/instance?{bad}")).await;
    assert!(answer.contains("ok"), "{answer}");
    let is_listed =
        async || listed(store, "shop.order.bad").await.iter().any(|host| host["ip"] == "10.0.1.1");
    comes("the bad one is listed", is_listed).await;
    let expected: Vec<&str> = addresses.iter().map(String::as_str).collect();
    becomes(&mut watched, &expected).await;
}

#[tokio::test]
async fn what_an_operator_says_holds() {
    let Some(store) = shared() else { return };
    let registry = registry(store, &["kratos"]);
    let mut watched = registry.watch(&wanted("operator"));
    let _one = registry.register(serving("operator", "10.0.0.1:9000")).await.unwrap();
    becomes(&mut watched, &["10.0.0.1:9000"]).await;
    let instance = "serviceName=shop.order.operator.grpc&ip=10.0.0.1&port=9000&ephemeral=true";
    // Nobody else can remove it.
    over_http(store, "DELETE", &format!("/ns/instance?{instance}")).await;
    let set = async |what: &str| over_http(store, "PUT", &format!("/ns/instance?{instance}&{what}")).await;
    set("weight=7&enabled=true").await;
    turns(&mut watched, |list| list.len() == 1 && list[0].weight == 7).await;
    // Nacos does not tell of those that are out of use.
    set("weight=7&enabled=false").await;
    becomes(&mut watched, &[]).await;
    sleep(Duration::from_secs(2)).await;
    assert!(watched.borrow().is_empty(), "it stays so");
    set("weight=7&enabled=true").await;
    becomes(&mut watched, &["10.0.0.1:9000"]).await;
}

#[tokio::test]
async fn a_text_that_somebody_changes_is_mended() {
    let Some(store) = shared() else { return };
    let registry = registry(store, &["dubbo-app"]);
    let apps: Vec<String> = (0..4).map(|number| format!("app.number.n{number}")).collect();
    let registering = apps.iter().zip(9000..).map(|(app, port)| {
        let served = serving("mapping", &format!("10.0.0.1:{port}"));
        registry.register(Instance { app: app.clone(), ..served })
    });
    let _registered = join_all(registering).await;
    let mapping = async || text(store, "mapping", "com.shop.mapping.Orders").await;
    let has_all = async || {
        let mapped = mapping().await;
        apps.iter().all(|app| mapped.contains(app))
    };
    comes("all are mapped", has_all).await;
    // Somebody who does not care about others overwrites it.
    over_http(
        store,
        "POST",
        "/cs/configs?group=mapping&dataId=com.shop.mapping.Orders&content=somebody.else",
    )
    .await;
    comes("all are mapped again", async || has_all().await && mapping().await.contains("somebody.else"))
        .await;

    let hosts = listed(store, "app.number.n0").await;
    let revision = hosts[0]["metadata"]["dubbo.metadata.revision"].as_str().unwrap();
    assert!(text(store, revision, "app.number.n0").await.contains("com.shop.mapping.Orders"));
    over_http(store, "DELETE", &format!("/cs/configs?group={revision}&dataId=app.number.n0")).await;
    let is_back = async || text(store, revision, "app.number.n0").await.contains("com.shop.mapping.Orders");
    comes("it is written again", is_back).await;
    // Whoever looks for the interface finds every app that serves it.
    let mut wanted = wanted("mapping");
    "app.number.n0".clone_into(&mut wanted.app);
    let mut watched = registry.watch(&wanted);
    turns(&mut watched, |list| list.len() == apps.len()).await;
}

#[tokio::test]
async fn namespaces_and_groups_are_apart() {
    let Some(store) = shared() else { return };
    let kratos = || options(store, &["kratos"]);
    over_http(store, "POST", "/console/namespaces?customNamespaceId=apart&namespaceName=apart").await;
    let plain = NacosRegistry::new(kratos());
    let group = NacosRegistry::new(kratos().group("OTHERS"));
    let namespace = NacosRegistry::new(kratos().namespace("apart").cluster("c1"));
    let at = |port: u16| serving("apart", &format!("10.0.0.1:{port}"));
    let _plain = plain.register(at(1)).await.unwrap();
    let _group = group.register(at(2)).await.unwrap();
    let _namespace = namespace.register(at(3)).await.unwrap();
    for (registry, expected) in [(plain, "10.0.0.1:1"), (group, "10.0.0.1:2"), (namespace, "10.0.0.1:3")] {
        becomes(&mut registry.watch(&wanted("apart")), &[expected]).await;
    }
}

#[tokio::test]
async fn what_changed_behind_a_cut_is_known_after_it() {
    let Some(store) = shared() else { return };
    // The port for connections is 1000 above the one that is named.
    let cable = Cable::to(format!("127.0.0.1:{}", store.address().port() + 1000)).await;
    let port = cable.address.rsplit_once(':').unwrap().1.parse::<u16>().unwrap() - 1000;
    let beyond = NacosRegistry::new(NacosOptions::at([format!("127.0.0.1:{port}")], layouts(&["kratos"])));
    let near = registry(store, &["kratos"]);
    let kept = beyond.register(serving("cut", "10.0.0.9:1")).await.unwrap();
    let one = near.register(serving("cut", "10.0.0.1:1")).await.unwrap();
    let mut watched = beyond.watch(&wanted("cut"));
    becomes(&mut watched, &["10.0.0.1:1", "10.0.0.9:1"]).await;
    cable.set(false);
    comes("it is known to be away", async || !kept.is_held()).await;
    one.deregister().await.unwrap();
    let _two = near.register(serving("cut", "10.0.0.2:1")).await.unwrap();
    assert_eq!(ids(&watched.borrow()), ["10.0.0.1:1", "10.0.0.9:1"], "what is known stays");
    cable.set(true);
    becomes(&mut watched, &["10.0.0.2:1", "10.0.0.9:1"]).await;
    comes("it is registered again", async || kept.is_held()).await;
}

#[tokio::test]
async fn a_nacos_that_is_away_or_lost_everything_is_waited_for_and_filled_again() {
    let Some(mut store) = Nacos::start("away", &[]) else { return };
    store.kill();
    let kratos = || options(&store, &["kratos", "dubbo-app"]);
    let (registry, protected) =
        (NacosRegistry::new(kratos()), NacosRegistry::new(kratos().empty_protection(true)));
    let begun = Instant::now();
    let registration = registry.register(serving("away", "10.0.0.1:1")).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(!registration.is_held());
    let state = |well: bool| {
        let mut states = jovian_runtime::registry::stores().into_iter();
        states.any(|state| state.store == "nacos" && state.name == "shop.order.away" && state.is_well == well)
    };
    assert!(state(false));
    store.resume();
    let (mut watched, mut kept) = (registry.watch(&wanted("away")), protected.watch(&wanted("away")));
    becomes(&mut watched, &["10.0.0.1:1"]).await;
    becomes(&mut kept, &["10.0.0.1:1"]).await;
    comes("it says so", async || registration.is_held() && state(true)).await;

    kept.borrow_and_update();
    store.kill();
    comes("it is known to be away", async || !registration.is_held()).await;
    assert_eq!(ids(&watched.borrow()), ["10.0.0.1:1"], "what is known stays");
    store.wipe();
    store.resume();
    comes("it is registered again", async || registration.is_held()).await;
    comes("it is listed", async || listed(&store, "shop.order.away.grpc").await.len() == 1).await;
    assert!(text(&store, "mapping", "com.shop.away.Orders").await.contains("shop.order.away"));
    becomes(&mut watched, &["10.0.0.1:1"]).await;
    // Whoever protects lists has never had an empty one.
    while kept.has_changed().unwrap() {
        assert!(!kept.borrow_and_update().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_calls_another_one_through_nacos() {
    let Some(store) = shared() else { return };
    over_http(store, "POST", "/console/namespaces?customNamespaceId=apps&namespaceName=apps").await;
    let endpoint = store.endpoint();
    let config = |more: &str| {
        let text = format!(
            "[server]\naddress = \"127.0.0.1:0\"\nstop_wait_ms = 0\n[registry]\nkind = \"nacos\"\n\
             endpoints = [\"{endpoint}\"]\nlayouts = [\"dubbo-tri\", \"dubbo-app\", \"kratos\"]\n\
             nacos = {{ namespace = \"apps\", group = \"SHOP\", cluster = \"c1\" }}\n{more}"
        );
        AppConfig::parse("app.toml", &text, []).unwrap()
    };
    let served = App::new(config("")).serve(OrdersServer::new(Shop::default())).start().await.unwrap();
    let caller = App::new(config("[governor]\nenabled = false\n"));
    let client = OrdersClient::find(caller.registry().as_ref()).unwrap();
    assert_eq!(soon(client.get_order(get("1"))).await.unwrap().id, "1");
    let place = "namespace=apps&nacos_group=SHOP";
    for target in [
        format!("nacos://{endpoint}/?{place}"),
        format!("kratos+nacos://{endpoint}/shop.order.orders?{place}"),
        format!("dubbo+nacos://{endpoint}/shop.orders.v1.Orders?{place}"),
    ] {
        let client = OrdersClient::connect(target.as_str()).unwrap();
        assert_eq!(soon(client.get_order(get("2"))).await.unwrap().id, "2", "{target}");
    }

    let governor = served.governor().unwrap();
    let page = support::http::get(governor, "/registry").await.body;
    assert!(page.contains(r#""well": true"#) && page.contains(r#""nacos""#), "{page}");
    let page = support::http::get(governor, "/config").await.body;
    assert!(page.contains("registry.nacos.namespace") && page.contains("apps"), "{page}");

    let list = async |service: &str| {
        let query = format!("serviceName={service}&groupName=SHOP&namespaceId=apps");
        let list = over_http(store, "GET", &format!("/ns/instance/list?{query}")).await;
        serde_json::from_str::<Value>(&list).unwrap()["hosts"].as_array().unwrap().clone()
    };
    for service in ["shop.order.orders", "shop.order.orders.grpc", "providers:shop.orders.v1.Orders::"] {
        comes(service, async || list(service).await.len() == 1).await;
        assert_eq!(list(service).await[0]["clusterName"], "c1");
    }
    served.stop().await.unwrap();
    comes("it is gone", async || list("shop.order.orders.grpc").await.is_empty()).await;
}

/// How long a token is valid where a server asks who calls, in seconds.
const VALID: u64 = 3;

/// What a server that asks who calls answers to this form.
async fn posted(store: &Nacos, path: &str, form: &str) -> Value {
    let answer = over_http(store, "POST", &format!("/auth/{path}?{form}")).await;
    serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{path}: {error}: {answer}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_asked_for_and_tokens_are_renewed() {
    let valid = format!("-Dnacos.core.auth.plugin.nacos.token.expire.seconds={VALID}");
    let Some(store) = Nacos::start("users", &["-Dnacos.core.auth.enabled=true", &valid]) else { return };
    let kratos = || options(&store, &["kratos"]);
    let served = || serving("users", "10.0.0.1:1");
    let refusal = async |options: NacosOptions| {
        NacosRegistry::new(options).register(served()).await.unwrap_err().to_string()
    };
    // Before there is anybody.
    let nobody_yet = refusal(kratos().user("nacos", "a-word")).await;
    assert!(nobody_yet.contains("admin role user not exist"), "{nobody_yet}");
    posted(&store, "users/admin", "password=a-word").await;
    let token = || async {
        let granted = posted(&store, "login", "username=nacos&password=a-word").await;
        granted["accessToken"].as_str().unwrap().to_owned()
    };
    let first = token().await;
    let guest = "username=guest&password=other";
    posted(&store, "users", &format!("{guest}&accessToken={first}")).await;

    let refused = refusal(kratos()).await;
    assert!(refused.contains("nacos refuses") && refused.contains("403"), "{refused}");
    let wrong = refusal(kratos().user("nacos", "another-word")).await;
    let expected = "the password of `nacos` is not taken: 403 Forbidden, user not found!";
    assert!(wrong.contains(expected) && !wrong.contains("another-word"), "{wrong}");
    let unknown = refusal(kratos().user("nobody", "a-word")).await;
    assert!(unknown.contains("the password of `nobody` is not taken"), "{unknown}");
    // Who is known need not be allowed to write.
    let forbidden = refusal(kratos().user("guest", "other")).await;
    assert!(forbidden.contains("authorization failed") && forbidden.contains("403"), "{forbidden}");

    let registry = NacosRegistry::new(kratos().user("nacos", "a-word"));
    assert!(!format!("{registry:?}").contains("a-word"));
    let mut watched = registry.watch(&wanted("users"));
    let one = registry.register(served()).await.unwrap();
    becomes(&mut watched, &["10.0.0.1:1"]).await;
    sleep(Duration::from_secs(2 * VALID)).await;
    let is_taken = async |token: &str| {
        let list = format!("/ns/instance/list?serviceName=shop.order.users.grpc&accessToken={token}");
        over_http(&store, "GET", &list).await.contains("10.0.0.1")
    };
    assert!(!is_taken(&first).await && is_taken(&token().await).await, "tokens end");
    assert!(one.is_held());
    let two = registry.register(serving("users", "10.0.0.2:1")).await.unwrap();
    assert!(two.is_held());
    becomes(&mut watched, &["10.0.0.1:1", "10.0.0.2:1"]).await;
    sleep(Duration::from_secs(2 * VALID)).await;
    two.deregister().await.unwrap();
    becomes(&mut watched, &["10.0.0.1:1"]).await;

    // By a configuration, too, where the wrong one ends the start.
    let config = |password: &str| {
        let text = format!(
            "[server]\naddress = \"127.0.0.1:0\"\nstop_wait_ms = 0\n[registry]\nkind = \"nacos\"\n\
             endpoints = [\"{}\"]\nlayouts = [\"kratos\"]\nuser = \"nacos\"\npassword = \"{password}\"\n",
            store.endpoint()
        );
        AppConfig::parse("app.toml", &text, []).unwrap()
    };
    assert!(!format!("{:?}", config("a-word")).contains("a-word"));
    let app = |password: &str| App::new(config(password)).serve(OrdersServer::new(Shop::default()));
    let failed = app("another-word").start().await.unwrap_err();
    let failed = format!("{failed:?}");
    assert!(failed.contains(expected) && !failed.contains("another-word"), "{failed}");
    let served = app("a-word").start().await.unwrap();
    let page = support::http::get(served.governor().unwrap(), "/config").await.body;
    assert!(page.contains("registry.password") && !page.contains("a-word"), "{page}");
    let client = OrdersClient::find(App::new(config("a-word")).registry().as_ref()).unwrap();
    assert_eq!(soon(client.get_order(get("1"))).await.unwrap().id, "1");
    let target = format!("kratos+nacos://nacos:a-word@{}/shop.order.orders", store.endpoint());
    let client = OrdersClient::connect(target).unwrap();
    assert_eq!(soon(client.get_order(get("2"))).await.unwrap().id, "2");
    served.stop().await.unwrap();
}

const ENDPOINT: &str = "NACOS_TEST_ENDPOINT";

/// Registers until it is killed.
#[tokio::test]
async fn child_is_an_instance() {
    let Ok(endpoint) = std::env::var(ENDPOINT) else { return };
    let registry = NacosRegistry::new(NacosOptions::at([endpoint], layouts(&["kratos"])));
    let _registered = registry.register(serving("killed", "10.0.0.7:1")).await.unwrap();
    std::future::pending().await
}

#[tokio::test]
async fn who_is_killed_is_gone_and_who_slept_is_back() {
    let Some(store) = shared() else { return };
    let mut watched = registry(store, &["kratos"]).watch(&wanted("killed"));
    let process = Process::start("child_is_an_instance", ENDPOINT, &store.endpoint());
    becomes(&mut watched, &["10.0.0.7:1"]).await;
    process.signal("STOP");
    sleep(SILENCE.saturating_sub(PATIENCE)).await;
    becomes(&mut watched, &[]).await;
    process.signal("CONT");
    becomes(&mut watched, &["10.0.0.7:1"]).await;
    let killed = Instant::now();
    process.signal("KILL");
    becomes(&mut watched, &[]).await;
    // It ends with its connection.
    assert!(killed.elapsed() < Duration::from_secs(3), "{:?}", killed.elapsed());
}
