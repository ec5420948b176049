//! The registry in a real etcd: what is registered is found, and stays so whatever happens.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]
#![cfg(all(feature = "etcd", unix))]

#[path = "support/plain.rs"]
mod plain;
#[path = "support/etcd.rs"]
mod server;
#[path = "support/stores.rs"]
mod stores;
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jovian_runtime::etcd_api::etcdserverpb::{
    CompactionRequest, DeleteRangeRequest, KvClient, PutRequest, RangeRequest,
};
use jovian_runtime::etcd_api::mvccpb::KeyValue;
use jovian_runtime::registry::{
    EtcdOptions, EtcdRegistry, Instance, Instances, Registry, Wanted,
    layout::{Layout, StoreKind},
};
use jovian_runtime::{App, AppConfig};
use plain::Plain;
use server::Etcd;
use stores::{APP, Cable, Process, becomes, ids, instance};
use support::{OrdersClient, OrdersServer, Shop, eventually, get, soon};
use tokio::time::{sleep, timeout};

const PLAIN: Plain = Plain("plain");
/// The shortest that etcd gives.
const TTL: Duration = Duration::from_secs(2);

fn options(store: &Etcd) -> EtcdOptions {
    EtcdOptions::at(store.endpoints(), vec![Arc::new(PLAIN)]).ttl(TTL)
}

fn registry(store: &Etcd) -> EtcdRegistry {
    EtcdRegistry::new(options(store))
}

/// The store by itself, as others use it.
struct Keys(KvClient);

impl Keys {
    fn of(store: &Etcd) -> Self {
        Self(KvClient::connect(format!("static://{}", store.endpoints().join(","))).unwrap())
    }

    async fn get(&self, key: &str) -> Option<KeyValue> {
        let request = RangeRequest { key: key.to_owned().into(), ..Default::default() };
        self.0.range(request).await.unwrap().kvs.into_iter().next()
    }

    async fn value(&self, key: &str) -> Option<String> {
        self.get(key).await.map(|found| String::from_utf8(found.value.to_vec()).unwrap())
    }

    async fn put(&self, key: &str, value: &str) {
        let request =
            PutRequest { key: key.to_owned().into(), value: value.to_owned().into(), ..Default::default() };
        self.0.put(request).await.unwrap();
    }

    async fn delete(&self, key: &str) -> i64 {
        let request = DeleteRangeRequest { key: key.to_owned().into(), ..Default::default() };
        self.0.delete_range(request).await.unwrap().deleted
    }
}

#[tokio::test]
async fn what_is_registered_is_found_until_it_leaves() {
    let Some(store) = Etcd::start("found") else { return };
    let (registry, keys) = (registry(&store), Keys::of(&store));
    let mut watched = registry.watch(&Wanted::app(APP));
    let one = registry.register(instance("10.0.0.1:1")).await.unwrap();
    let two = registry.register(instance("10.0.0.2:1")).await.unwrap();
    assert!(one.is_held() && two.is_held());
    becomes(&mut watched, &["10.0.0.1:1", "10.0.0.2:1"]).await;

    // All that is to go is on a lease, one for each instance; what is to stay is on none.
    let lease = async |key: &str| keys.get(key).await.unwrap().lease;
    let leases =
        [lease(&PLAIN.key(&watched.borrow()[0])).await, lease(&PLAIN.key(&watched.borrow()[1])).await];
    assert!(leases[0] != 0 && leases[1] != 0 && leases[0] != leases[1], "{leases:?}");
    assert_eq!(lease(&PLAIN.kept(&instance(""))).await, 0);
    assert_eq!(lease(&PLAIN.shared()).await, 0);

    let begun = Instant::now();
    one.deregister().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(keys.get(&PLAIN.key(&instance("10.0.0.1:1"))).await.is_none(), "it is gone when it returns");
    becomes(&mut watched, &["10.0.0.2:1"]).await;
    drop(two);
    becomes(&mut watched, &[]).await;
    assert_eq!(keys.value(&PLAIN.kept(&instance(""))).await.as_deref(), Some("there"));
}

#[tokio::test]
async fn a_list_that_is_shared_is_added_to_by_everybody_once() {
    let Some(store) = Etcd::start("shared") else { return };
    let (registry, keys) = (registry(&store), Keys::of(&store));
    keys.put(&PLAIN.shared(), "somebody.else").await;
    let apps: Vec<String> = (0..8).map(|number| format!("app.number.n{number}")).collect();
    let registering = apps.iter().flat_map(|app| {
        let at = |port: u16| Instance::new(app.as_str(), format!("10.0.0.1:{port}"));
        [registry.register(at(1)), registry.register(at(2))]
    });
    let _registered = futures_util::future::join_all(registering).await;
    let listed = async || keys.value(&PLAIN.shared()).await.unwrap();
    let mut found: Vec<String> = listed().await.split(',').map(str::to_owned).collect();
    found.sort();
    assert_eq!(found, [&apps[..], &["somebody.else".to_owned()]].concat());

    // Somebody who does not care about others overwrites it.
    keys.put(&PLAIN.shared(), "somebody.else").await;
    let until = Instant::now() + Duration::from_secs(20);
    while listed().await.split(',').count() < 9 {
        assert!(Instant::now() < until, "{}", listed().await);
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn the_first_layout_counts_and_one_watch_serves_all() {
    let Some(store) = Etcd::start("layouts") else { return };
    let (first, second) = (Plain("first"), Plain("second"));
    let with = |layouts: Vec<Arc<dyn Layout>>| EtcdRegistry::new(EtcdOptions::at(store.endpoints(), layouts));
    let both = with(vec![Arc::new(first), Arc::new(second)]);
    let only_second = with(vec![Arc::new(second)]);
    let mut watched = both.watch(&Wanted::app(APP));
    let again = both.watch(&Wanted::app(APP));
    assert!(watched.same_channel(&again), "those who want the same share a list");

    let _two = only_second.register(instance("10.0.0.2:1")).await.unwrap();
    let weighted = |weight| Instance { weight, ..instance("10.0.0.1:1") };
    let _second = only_second.register(weighted(2)).await.unwrap();
    becomes(&mut watched, &["10.0.0.1:1", "10.0.0.2:1"]).await;
    assert_eq!(watched.borrow()[0].weight, 2);
    let first = with(vec![Arc::new(first)]).register(weighted(1)).await.unwrap();
    timeout(Duration::from_secs(20), watched.wait_for(|list| list[0].weight == 1)).await.unwrap().unwrap();
    first.deregister().await.unwrap();
    timeout(Duration::from_secs(20), watched.wait_for(|list| list[0].weight == 2)).await.unwrap().unwrap();
}

#[tokio::test]
async fn one_bad_record_hides_nobody() {
    let Some(store) = Etcd::start("bad") else { return };
    let (registry, keys) = (EtcdRegistry::new(options(&store).ttl(20 * TTL)), Keys::of(&store));
    let turning = format!("/plain/{APP}/turning");
    keys.put(&format!("/plain/{APP}/nonsense"), "{").await;
    keys.put(&turning, &serde_json::to_string(&instance("10.0.1.1:1")).unwrap()).await;
    let mut watched = registry.watch(&Wanted::app(APP));
    let addresses: Vec<String> = (0..99).map(|number| format!("10.0.0.{number:02}:1")).collect();
    let registering = addresses.iter().map(|address| registry.register(instance(address)));
    let registered: Vec<_> =
        futures_util::future::join_all(registering).await.into_iter().map(Result::unwrap).collect();
    let mut expected: Vec<&str> = addresses.iter().map(String::as_str).chain(["10.0.1.1:1"]).collect();
    becomes(&mut watched, &expected).await;
    // A record that was good and is not any more is gone, alone.
    keys.put(&turning, "nonsense").await;
    expected.pop();
    becomes(&mut watched, &expected).await;
    drop(registered);
}

#[tokio::test]
async fn a_key_that_somebody_deletes_is_written_again() {
    let Some(store) = Etcd::start("deleted") else { return };
    let (registry, keys) = (registry(&store), Keys::of(&store));
    let _one = registry.register(instance("10.0.0.1:1")).await.unwrap();
    for key in [PLAIN.key(&instance("10.0.0.1:1")), PLAIN.kept(&instance("")), PLAIN.shared()] {
        let before = keys.get(&key).await.unwrap();
        assert_eq!(keys.delete(&key).await, 1);
        let until = Instant::now() + Duration::from_secs(20);
        let after = loop {
            if let Some(found) = keys.get(&key).await {
                break found;
            }
            assert!(Instant::now() < until, "{key} is gone");
            sleep(Duration::from_millis(20)).await;
        };
        assert_eq!((before.value, before.lease), (after.value, after.lease));
    }
}

#[tokio::test]
async fn two_that_have_one_address_do_not_fight() {
    let Some(store) = Etcd::start("fight") else { return };
    let (one, two, keys) = (registry(&store), registry(&store), Keys::of(&store));
    let (key, weighted) =
        (PLAIN.key(&instance("10.0.0.1:1")), |weight| Instance { weight, ..instance("10.0.0.1:1") });
    let first = one.register(weighted(1)).await.unwrap();
    let second = two.register(weighted(2)).await.unwrap();
    let mut watched = one.watch(&Wanted::app(APP));
    timeout(Duration::from_secs(20), watched.wait_for(|list| list.len() == 1)).await.unwrap().unwrap();
    eventually("the first one knows", || !first.is_held()).await;
    assert!(second.is_held());
    // Nobody writes any more, whatever signs of life there are.
    let version = keys.get(&key).await.unwrap().version;
    sleep(TTL).await;
    let found = keys.get(&key).await.unwrap();
    assert_eq!((found.version, watched.borrow()[0].weight), (version, 2));
    // When the later one goes, the earlier one is back.
    second.deregister().await.unwrap();
    timeout(Duration::from_secs(20), watched.wait_for(|list| list.iter().any(|one| one.weight == 1)))
        .await
        .unwrap()
        .unwrap();
    eventually("it is its own again", || first.is_held()).await;
}

#[tokio::test]
async fn a_store_that_is_away_is_waited_for_behind() {
    let Some(mut store) = Etcd::start("away") else { return };
    store.kill(0);
    let registry = registry(&store);
    let begun = Instant::now();
    let registration = registry.register(instance("10.0.0.1:1")).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(!registration.is_held());
    let state = |well: bool| {
        let mut states = jovian_runtime::registry::stores().into_iter();
        states.any(|state| state.store == "etcd" && state.id == "10.0.0.1:1" && state.is_well == well)
    };
    assert!(state(false));
    let page = jovian_runtime::metrics::render();
    assert!(
        page.contains(r#"registry_registered{store="etcd",app="shop.order.orders",id="10.0.0.1:1"} 0"#),
        "{page}"
    );
    let mut watched = registry.watch(&Wanted::app(APP));
    store.resume();
    becomes(&mut watched, &["10.0.0.1:1"]).await;
    eventually("it says so", || registration.is_held() && state(true)).await;
}

#[tokio::test]
async fn an_etcd_that_lost_everything_is_filled_again() {
    let Some(mut store) = Etcd::start("empty") else { return };
    let (registry, protected) = (registry(&store), EtcdRegistry::new(options(&store).empty_protection(true)));
    let _one = registry.register(instance("10.0.0.1:1")).await.unwrap();
    let _two = registry.register(instance("10.0.0.2:1")).await.unwrap();
    let all = ["10.0.0.1:1", "10.0.0.2:1"];
    let (mut watched, mut kept) = (registry.watch(&Wanted::app(APP)), protected.watch(&Wanted::app(APP)));
    becomes(&mut watched, &all).await;
    becomes(&mut kept, &all).await;
    kept.borrow_and_update();
    store.kill(0);
    sleep(TTL).await;
    assert_eq!(ids(&watched.borrow()), all, "what is known stays while the store is away");
    store.wipe(0);
    store.resume();
    let keys = Keys::of(&store);
    let until = Instant::now() + Duration::from_secs(20);
    for address in all {
        while keys.get(&PLAIN.key(&instance(address))).await.is_none() {
            assert!(Instant::now() < until, "{address} never came back");
            sleep(Duration::from_millis(20)).await;
        }
    }
    assert_eq!(keys.value(&PLAIN.kept(&instance(""))).await.as_deref(), Some("there"));
    becomes(&mut watched, &all).await;
    // Whoever protects lists has never had an empty one.
    while kept.has_changed().unwrap() {
        assert!(!kept.borrow_and_update().is_empty());
    }
    becomes(&mut kept, &all).await;
}

#[tokio::test]
async fn one_member_of_three_may_be_lost() {
    let Some(mut store) = Etcd::of("three", 3, &[]) else { return };
    let registry = registry(&store);
    let mut watched = registry.watch(&Wanted::app(APP));
    let _one = registry.register(instance("10.0.0.1:1")).await.unwrap();
    becomes(&mut watched, &["10.0.0.1:1"]).await;
    for lost in 0..3 {
        store.kill(lost);
        let address = format!("10.0.0.2:{lost}");
        let other = registry.register(instance(&address)).await.unwrap();
        becomes(&mut watched, &["10.0.0.1:1", &address]).await;
        sleep(TTL + TTL / 2).await;
        assert_eq!(watched.borrow().len(), 2, "both still live without member {lost}");
        other.deregister().await.unwrap();
        becomes(&mut watched, &["10.0.0.1:1"]).await;
        store.resume();
    }
}

#[tokio::test]
async fn a_password_is_asked_for_and_tokens_are_renewed() {
    let Some(mut store) = Etcd::of("auth", 1, &["--auth-token-ttl", "1"]) else { return };
    let plain = registry(&store);
    let before = plain.register(instance("10.0.0.9:1")).await.unwrap();
    let endpoint = store.endpoints().remove(0);
    for command in ["user add root:a-word", "user grant-role root root", "auth enable"] {
        let mut etcdctl = std::process::Command::new("etcdctl");
        let done = etcdctl.env("ETCDCTL_API", "3").args(["--endpoints", &endpoint]).args(command.split(' '));
        let done = done.output().unwrap();
        assert!(done.status.success(), "{command}: {done:?}");
    }
    let refused = registry(&store).register(instance("10.0.0.1:1")).await.unwrap_err();
    assert!(refused.to_string().contains("etcd refuses"), "{refused}");
    let wrong = EtcdRegistry::new(options(&store).user("root", "another"));
    let refused = wrong.register(instance("10.0.0.1:1")).await.unwrap_err().to_string();
    assert!(refused.contains("authentication failed") && !refused.contains("another"), "{refused}");

    let registry = EtcdRegistry::new(options(&store).user("root", "a-word"));
    assert!(!format!("{registry:?}").contains("a-word"));
    let mut watched = registry.watch(&Wanted::app(APP));
    let _one = registry.register(instance("10.0.0.1:1")).await.unwrap();
    let is_there = |list: &Instances| list.iter().any(|one| one.address == "10.0.0.1:1");
    timeout(Duration::from_secs(20), watched.wait_for(is_there)).await.unwrap().unwrap();
    // The token is too old by now, and after a restart nobody knows it.
    sleep(TTL).await;
    let two = registry.register(instance("10.0.0.2:1")).await.unwrap();
    store.kill(0);
    store.resume();
    two.deregister().await.unwrap();
    let is_alone = |list: &Instances| is_there(list) && list.iter().all(|one| one.address != "10.0.0.2:1");
    timeout(Duration::from_secs(20), watched.wait_for(is_alone)).await.unwrap().unwrap();
    drop(before);
}

#[tokio::test]
async fn what_changed_behind_a_cut_and_was_compacted_is_known_after_it() {
    let Some(store) = Etcd::start("compacted") else { return };
    let (registry, keys) = (registry(&store), Keys::of(&store));
    let cable = Cable::to(store.endpoints().remove(0)).await;
    let beyond = EtcdRegistry::new(EtcdOptions::at([&cable.address], vec![Arc::new(PLAIN)]).ttl(TTL));
    let one = registry.register(instance("10.0.0.1:1")).await.unwrap();
    let mut watched = beyond.watch(&Wanted::app(APP));
    becomes(&mut watched, &["10.0.0.1:1"]).await;
    cable.set(false);
    one.deregister().await.unwrap();
    let _two = registry.register(instance("10.0.0.2:1")).await.unwrap();
    let revision = keys.get(&PLAIN.key(&instance("10.0.0.2:1"))).await.unwrap().mod_revision;
    keys.0.compact(CompactionRequest { revision, physical: true }).await.unwrap();
    assert_eq!(ids(&watched.borrow()), ["10.0.0.1:1"], "what is known stays");
    cable.set(true);
    becomes(&mut watched, &["10.0.0.2:1"]).await;
}

#[tokio::test]
async fn a_thousand_instances_are_found() {
    let Some(store) = Etcd::start("thousand") else { return };
    let keys = Keys::of(&store);
    let record = |number: u32| instance(&format!("10.0.{}.{}:1", number / 250, number % 250));
    // More than one page of them is there before, and as many come after.
    let put = async |numbers: std::ops::Range<u32>| {
        let puts = numbers.map(record).map(|one| {
            let keys = &keys;
            async move { keys.put(&PLAIN.key(&one), &serde_json::to_string(&one).unwrap()).await }
        });
        futures_util::future::join_all(puts).await;
    };
    put(0..1_001).await;
    let mut watched = registry(&store).watch(&Wanted::app(APP));
    let has = |count: usize| move |list: &Instances| list.len() == count;
    timeout(Duration::from_secs(20), watched.wait_for(has(1_001))).await.unwrap().unwrap();
    put(1_001..2_000).await;
    timeout(Duration::from_secs(20), watched.wait_for(has(2_000))).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_is_mapped_is_found() {
    let Some(store) = Etcd::start("mapped") else { return };
    let at = |layouts| -> Box<dyn Registry> {
        Box::new(EtcdRegistry::new(EtcdOptions::at(store.endpoints(), layouts).ttl(TTL)))
    };
    let keys = Keys::of(&store);
    stores::what_is_mapped_is_found(StoreKind::Etcd, at, async |key, value| keys.put(key, value).await).await;
}

const ENDPOINT: &str = "ETCD_TEST_ENDPOINT";

/// Registers until it is killed.
#[tokio::test]
async fn child_is_an_instance() {
    let Ok(endpoint) = std::env::var(ENDPOINT) else { return };
    let registry = EtcdRegistry::new(EtcdOptions::at([endpoint], vec![Arc::new(PLAIN)]).ttl(TTL));
    let _registered = registry.register(instance("10.0.0.7:1")).await.unwrap();
    std::future::pending().await
}

#[tokio::test]
async fn who_is_killed_is_gone_and_who_slept_is_back() {
    let Some(store) = Etcd::start("killed") else { return };
    let mut watched = registry(&store).watch(&Wanted::app(APP));
    let process = Process::start("child_is_an_instance", ENDPOINT, &store.endpoints().remove(0));
    becomes(&mut watched, &["10.0.0.7:1"]).await;
    process.signal("STOP");
    sleep(2 * TTL).await;
    becomes(&mut watched, &[]).await;
    process.signal("CONT");
    becomes(&mut watched, &["10.0.0.7:1"]).await;
    let killed = Instant::now();
    process.signal("KILL");
    becomes(&mut watched, &[]).await;
    // The lease was at most whole when it died; etcd looks for ended ones twice a second.
    assert!(killed.elapsed() < TTL + Duration::from_secs(2), "{:?}", killed.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_calls_another_one_through_etcd() {
    let Some(store) = Etcd::start("apps") else { return };
    let config = |more: &str| {
        let endpoint = store.endpoints().remove(0);
        let text = format!(
            "[server]\naddress = \"127.0.0.1:0\"\nstop_wait_ms = 0\n[registry]\nkind = \"etcd\"\nendpoints = [\"{endpoint}\"]\n\
             layouts = [\"jupiter\", \"dubbo-tri\"]\nttl_ms = 2000\nuser = \"me\"\npassword = \"a-word\"\n{more}"
        );
        AppConfig::parse("app.toml", &text, []).unwrap()
    };
    assert!(!format!("{:?}", config("")).contains("a-word"));
    let served = App::new(config("")).serve(OrdersServer::new(Shop::default())).start().await.unwrap();
    let caller = App::new(config("[governor]\nenabled = false\n"));
    let client = OrdersClient::find(caller.registry().as_ref()).unwrap();
    assert_eq!(soon(client.get_order(get("1"))).await.unwrap().id, "1");

    let governor = served.governor().unwrap();
    let page = support::http::get(governor, "/registry").await.body;
    assert!(page.contains(r#""well": true"#) && page.contains("shop.order.orders"), "{page}");
    let page = support::http::get(governor, "/config").await.body;
    assert!(page.contains("registry.password") && !page.contains("a-word"), "{page}");

    let keys = Keys::of(&store);
    let all = async || {
        let everything = Bytes::from_static(&[0]);
        let request = RangeRequest { key: everything.clone(), range_end: everything, ..Default::default() };
        keys.0.range(request).await.unwrap().kvs
    };
    let written = all().await;
    let leased: Vec<i64> = written.iter().map(|kv| kv.lease).filter(|lease| *lease != 0).collect();
    assert!(
        leased.len() > 1 && leased.iter().all(|lease| *lease == leased[0]),
        "all on one lease: {written:?}"
    );
    served.stop().await.unwrap();
    assert!(all().await.iter().all(|kv| kv.lease == 0), "nothing that lived with it is left");
}
