//! The registry in a real etcd: what is registered is found, and stays so whatever happens.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]
#![cfg(all(feature = "etcd", unix))]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jovian_runtime::etcd_api::etcdserverpb::{DeleteRangeRequest, KvClient, PutRequest, RangeRequest};
use jovian_runtime::etcd_api::mvccpb::KeyValue;
use jovian_runtime::registry::{
    EtcdOptions, EtcdRegistry, Instance, Instances, Registry as _, Wanted, layout::Layout,
};
use support::etcd::Etcd;
use support::plain::Plain;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

const APP: &str = "shop.order.orders";
const PLAIN: Plain = Plain("plain");
/// The shortest that etcd gives.
const TTL: Duration = Duration::from_secs(2);

fn instance(address: &str) -> Instance {
    Instance::new(APP, address)
}

fn options(store: &Etcd) -> EtcdOptions {
    EtcdOptions::at(store.endpoints(), vec![Arc::new(PLAIN)]).ttl(TTL)
}

fn registry(store: &Etcd) -> EtcdRegistry {
    EtcdRegistry::new(options(store))
}

fn ids(instances: &[Instance]) -> Vec<&str> {
    instances.iter().map(|instance| instance.id.as_str()).collect()
}

/// Waits until the list is this one; the seconds are for slow machines.
async fn becomes(watched: &mut watch::Receiver<Instances>, expected: &[&str]) {
    let waiting = watched.wait_for(|list| ids(list) == expected);
    let found = timeout(Duration::from_secs(20), waiting).await.map(|list| list.map(drop));
    assert!(found.is_ok(), "{:?} never became {expected:?}", ids(&watched.borrow()));
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
    let (registry, keys) = (registry(&store), Keys::of(&store));
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
