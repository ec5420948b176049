//! The registry in a Nacos of three servers, of which one is lost.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]
#![cfg(all(feature = "nacos", unix))]

#[path = "support/nacos.rs"]
mod server;
#[path = "support/stores.rs"]
mod stores;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jovian_runtime::registry::layout::{Nacos as Layout, Options};
use jovian_runtime::registry::{
    Instance, Instances, NacosOptions, NacosRegistry, Provided, Registration, Registry as _, Wanted,
};
use serde_json::Value;
use server::Nacos;
use stores::{PATIENCE, becomes};
use tokio::sync::watch;
use tokio::time::sleep;

const APP: &str = "shop.order.three";
const MANY: usize = 12;
/// How long servers tell of an instance whose connection was with a server that is lost: three minutes, unless set.
const EXPIRED: Duration = Duration::from_secs(30);

fn registry(endpoints: &[String]) -> NacosRegistry {
    let layouts = ["kratos", "dubbo-app"].map(|name| Layout::by_name(name, &Options::default()).unwrap());
    NacosRegistry::new(NacosOptions::at(endpoints, layouts))
}

fn serving(address: &str) -> Instance {
    let orders = Provided::declared("shop.three.Orders", "com.shop.three.Orders", ["GetOrder"]);
    Instance { services: vec![orders], ..Instance::new(APP, address) }
}

fn texts(addresses: &[String]) -> Vec<&str> {
    addresses.iter().map(String::as_str).collect()
}

/// How many clients have a connection to each of these servers, as one of them knows it; nothing while it knows nothing.
fn connections(asked: &Nacos, of: &[String; 3]) -> [usize; 3] {
    let answer = asked.answer("GET", "/v2/core/loader/cluster", &[]);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let known: Value = serde_json::from_str(body).unwrap_or_default();
    let count = |endpoint: &String| {
        let server = known["detail"].as_array()?.iter().find(|server| server["address"] == **endpoint)?;
        server["metric"]["sdkConCount"].as_str()?.parse().ok()
    };
    of.each_ref().map(|endpoint| count(endpoint).unwrap_or_default())
}

/// Waits until something is so.
async fn comes(what: &str, patience: Duration, is_so: impl Fn() -> bool) {
    let until = Instant::now() + patience;
    while !is_so() {
        assert!(Instant::now() < until, "never came to be: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// The length of the shortest list that was told from now on.
fn shortest(watched: &watch::Receiver<Instances>) -> Arc<AtomicUsize> {
    let mut watched = watched.clone();
    let least = Arc::new(AtomicUsize::new(watched.borrow_and_update().len()));
    let shared = Arc::clone(&least);
    tokio::spawn(async move {
        while watched.changed().await.is_ok() {
            shared.fetch_min(watched.borrow_and_update().len(), SeqCst);
        }
    });
    least
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "three servers take two minutes and 1.6 GiB; `cargo test -p jovian-runtime --features nacos --test nacos_cluster -- --ignored`"]
async fn a_server_is_lost_and_no_instance_is() {
    let expired = format!("-Dnacos.naming.client.expired.time={}", EXPIRED.as_millis());
    let Some(mut servers) = Nacos::three("three", &[&expired]) else { return };
    let endpoints = servers.each_ref().map(Nacos::endpoint);
    let all = registry(&endpoints);
    let mut addresses: Vec<String> =
        (0..MANY).map(|number| format!("10.0.0.{}:9000", 100 + number)).collect();
    let registering = addresses.iter().map(|address| all.register(serving(address)));
    let mut registered: Vec<Registration> =
        join_all(registering).await.into_iter().map(Result::unwrap).collect();
    comes("all are registered", PATIENCE, || registered.iter().all(Registration::is_held)).await;
    // One client knows all servers, and three know one each.
    let each = endpoints.each_ref().map(|endpoint| registry(std::slice::from_ref(endpoint)));
    let wanted = Wanted::app(APP);
    let (mut watched, mut bound) = (all.watch(&wanted), each.each_ref().map(|one| one.watch(&wanted)));
    becomes(&mut watched, &texts(&addresses)).await;
    for bound in &mut bound {
        becomes(bound, &texts(&addresses)).await;
    }

    let total = MANY + 1 + each.len();
    let sum = |counts: [usize; 3]| counts.iter().sum::<usize>();
    comes("every connection is counted", PATIENCE, || sum(connections(&servers[0], &endpoints)) == total)
        .await;
    let before = connections(&servers[0], &endpoints);
    let lost = (0..3).max_by_key(|number| before[*number]).unwrap();
    let (next, last) = ((lost + 1) % 3, (lost + 2) % 3);
    // The client that knows only this one has nowhere to go.
    let moving = before[lost] - 1;
    assert!(moving >= MANY / 3, "{before:?}");
    let least = [&watched, &bound[next], &bound[last]].map(shortest);
    servers[lost].kill();
    comes("all have gone to others", 2 * PATIENCE, || {
        let now = connections(&servers[next], &endpoints);
        now[next] + now[last] == total - 1
    })
    .await;
    comes("all are registered there", PATIENCE, || registered.iter().all(Registration::is_held)).await;

    // What is new is known everywhere; its texts are written by two of three.
    addresses.push("10.0.0.200:9000".to_owned());
    registered.push(all.register(serving("10.0.0.200:9000")).await.unwrap());
    comes("it is registered", PATIENCE, || registered[MANY].is_held()).await;
    becomes(&mut watched, &texts(&addresses)).await;
    becomes(&mut bound[next], &texts(&addresses)).await;
    becomes(&mut bound[last], &texts(&addresses)).await;
    assert_eq!(least.map(|least| least.load(SeqCst)), [MANY; 3], "nobody was missing for a moment");
    assert_eq!(bound[lost].borrow().len(), MANY, "what is known stays");

    join_all(registered.into_iter().map(Registration::deregister)).await;
    // The others go on telling of those that were with the lost one, and forget them.
    comes("most are gone", PATIENCE, || watched.borrow().len() <= moving).await;
    for watched in [&watched, &bound[next], &bound[last]] {
        comes("all are gone", EXPIRED + PATIENCE, || watched.borrow().is_empty()).await;
    }
    servers[lost].resume();
    becomes(&mut bound[lost], &[]).await;
}
