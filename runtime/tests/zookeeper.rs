//! The registry in a real ZooKeeper: what is registered is found, and stays so whatever happens.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]
#![cfg(all(feature = "zookeeper", unix))]

#[path = "support/plain.rs"]
mod plain;
#[path = "support/zookeeper.rs"]
mod server;
#[path = "support/stores.rs"]
mod stores;
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jovian_runtime::registry::layout::StoreKind;
use jovian_runtime::registry::{Instance, Registry, Wanted, ZooKeeperOptions, ZooKeeperRegistry};
use jovian_runtime::{App, AppConfig};
use plain::Plain;
use server::{Node, Shell, ZooKeeper};
use stores::{APP, Cable, PATIENCE, Process, becomes, ids, instance, turns};
use support::{OrdersClient, OrdersServer, Shop, eventually, get, soon};
use tokio::time::sleep;

const PLAIN: Plain = Plain("plain");
const TTL: Duration = Duration::from_secs(2);

fn options(store: &ZooKeeper) -> ZooKeeperOptions {
    ZooKeeperOptions::at(store.endpoints(), vec![Arc::new(PLAIN)]).ttl(TTL)
}

fn registry(store: &ZooKeeper) -> ZooKeeperRegistry {
    ZooKeeperRegistry::new(options(store))
}

fn shell(store: &ZooKeeper) -> Shell {
    Shell::at(&store.endpoints()[0])
}

/// Waits until a node is like this.
async fn node(shell: &mut Shell, path: &str, so: impl Fn(Option<&Node>) -> bool) -> Option<Node> {
    let until = Instant::now() + PATIENCE;
    loop {
        let found = shell.get(path);
        if so(found.as_ref()) {
            return found;
        }
        assert!(Instant::now() < until, "{path} is {found:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_is_registered_is_found_until_it_leaves() {
    let Some(store) = ZooKeeper::start("found") else { return };
    let (registry, mut shell) = (registry(&store), shell(&store));
    let mut watched = registry.watch(&Wanted::app(APP));
    let one = registry.register(instance("10.0.0.1:1")).await.unwrap();
    let two = registry.register(instance("10.0.0.2:1")).await.unwrap();
    assert!(one.is_held() && two.is_held());
    becomes(&mut watched, &["10.0.0.1:1", "10.0.0.2:1"]).await;

    // All that is to go is in a session, one for each instance; what is to stay is in none.
    let owners = [0, 1].map(|number| shell.get(&PLAIN.key(&watched.borrow()[number])).unwrap().owner);
    assert!(owners[0] != 0 && owners[1] != 0 && owners[0] != owners[1], "{owners:?}");
    assert_eq!(shell.get(&PLAIN.kept(&instance(""))).unwrap().owner, 0);
    assert_eq!(shell.get(&PLAIN.shared()).unwrap().owner, 0);

    let begun = Instant::now();
    one.deregister().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(shell.get(&PLAIN.key(&instance("10.0.0.1:1"))), None, "it is gone when it returns");
    becomes(&mut watched, &["10.0.0.2:1"]).await;
    drop(two);
    becomes(&mut watched, &[]).await;
    assert_eq!(shell.get(&PLAIN.kept(&instance(""))).unwrap().value, "there");
}

#[tokio::test]
async fn a_list_that_is_shared_is_added_to_by_everybody_once() {
    let Some(store) = ZooKeeper::start("shared") else { return };
    let (registry, mut shell) = (registry(&store), shell(&store));
    shell.create(&PLAIN.shared(), "somebody.else");
    let apps: Vec<String> = (0..8).map(|number| format!("app.number.n{number}")).collect();
    let registering = apps.iter().flat_map(|app| {
        let at = |port: u16| Instance::new(app.as_str(), format!("10.0.0.1:{port}"));
        [registry.register(at(1)), registry.register(at(2))]
    });
    let _registered = futures_util::future::join_all(registering).await;
    let sorted = |node: &Node| {
        let mut found: Vec<String> = node.value.split(',').map(str::to_owned).collect();
        found.sort();
        found
    };
    let all = [&apps[..], &["somebody.else".to_owned()]].concat();
    assert_eq!(sorted(&shell.get(&PLAIN.shared()).unwrap()), all);

    // Somebody who does not care about others overwrites it.
    shell.run(&format!("set {} somebody.else", PLAIN.shared()));
    node(&mut shell, &PLAIN.shared(), |node| node.is_some_and(|node| sorted(node) == all)).await;
}

#[tokio::test]
async fn one_bad_record_hides_nobody() {
    let Some(store) = ZooKeeper::start("bad") else { return };
    let (registry, mut shell) = (ZooKeeperRegistry::new(options(&store).ttl(20 * TTL)), shell(&store));
    let turning = format!("/plain/{APP}/turning");
    shell.create(&format!("/plain/{APP}/nonsense"), "{");
    shell.create(&turning, &serde_json::to_string(&instance("10.0.1.1:1")).unwrap());
    let mut watched = registry.watch(&Wanted::app(APP));
    let addresses: Vec<String> = (0..99).map(|number| format!("10.0.0.{number:02}:1")).collect();
    let registering = addresses.iter().map(|address| registry.register(instance(address)));
    let registered: Vec<_> =
        futures_util::future::join_all(registering).await.into_iter().map(Result::unwrap).collect();
    let mut expected: Vec<&str> = addresses.iter().map(String::as_str).chain(["10.0.1.1:1"]).collect();
    becomes(&mut watched, &expected).await;
    // A record that was good and is not any more is gone, alone; and it is back when it is good again.
    shell.set(&turning, "nonsense");
    expected.pop();
    becomes(&mut watched, &expected).await;
    shell.set(&turning, &serde_json::to_string(&instance("10.0.1.2:1")).unwrap());
    expected.push("10.0.1.2:1");
    becomes(&mut watched, &expected).await;
    drop(registered);
}

#[tokio::test]
async fn a_node_that_somebody_deletes_is_written_again() {
    let Some(store) = ZooKeeper::start("deleted") else { return };
    let (registry, mut shell) = (registry(&store), shell(&store));
    let _one = registry.register(instance("10.0.0.1:1")).await.unwrap();
    let mut watched = registry.watch(&Wanted::app(APP));
    let keys = [PLAIN.key(&instance("10.0.0.1:1")), PLAIN.kept(&instance("")), PLAIN.shared()];
    let before = keys.each_ref().map(|key| shell.get(key).unwrap());
    for (key, before) in keys.iter().zip(&before) {
        shell.run(&format!("delete {key}"));
        let is_new = |node: Option<&Node>| node.is_some_and(|node| node.modified != before.modified);
        let after = node(&mut shell, key, is_new).await.unwrap();
        assert_eq!((&before.value, before.owner), (&after.value, after.owner));
    }
    // With the folder that it is in, which the follower has to find again, too.
    shell.run("deleteall /plain");
    node(&mut shell, &keys[0], |node| node.is_some()).await;
    becomes(&mut watched, &["10.0.0.1:1"]).await;
}

#[tokio::test]
async fn two_that_have_one_address_do_not_fight() {
    let Some(store) = ZooKeeper::start("fight") else { return };
    let (one, two, mut shell) = (registry(&store), registry(&store), shell(&store));
    let (key, weighted) =
        (PLAIN.key(&instance("10.0.0.1:1")), |weight| Instance { weight, ..instance("10.0.0.1:1") });
    let first = one.register(weighted(1)).await.unwrap();
    let second = two.register(weighted(2)).await.unwrap();
    let mut watched = one.watch(&Wanted::app(APP));
    turns(&mut watched, |list| list.len() == 1 && list[0].weight == 2).await;
    eventually("the first one knows", || !first.is_held()).await;
    assert!(second.is_held());
    // Nobody writes any more, whatever signs of life there are.
    let modified = shell.get(&key).unwrap().modified;
    sleep(TTL).await;
    assert_eq!((shell.get(&key).unwrap().modified, watched.borrow()[0].weight), (modified, 2));
    // When the later one goes, the earlier one is back.
    second.deregister().await.unwrap();
    turns(&mut watched, |list| list.iter().any(|one| one.weight == 1)).await;
    eventually("it is its own again", || first.is_held()).await;
}

#[tokio::test]
async fn a_store_that_is_away_is_waited_for_behind() {
    let Some(mut store) = ZooKeeper::start("away") else { return };
    store.kill(0);
    let registry = registry(&store);
    let begun = Instant::now();
    let registration = registry.register(instance("10.0.0.3:1")).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(!registration.is_held());
    let state = |well: bool| {
        let mut states = jovian_runtime::registry::stores().into_iter();
        states.any(|state| state.store == "zookeeper" && state.id == "10.0.0.3:1" && state.is_well == well)
    };
    assert!(state(false));
    let mut watched = registry.watch(&Wanted::app(APP));
    store.resume();
    becomes(&mut watched, &["10.0.0.3:1"]).await;
    eventually("it says so", || registration.is_held() && state(true)).await;
}

#[tokio::test]
async fn a_zookeeper_that_lost_everything_is_filled_again() {
    let Some(mut store) = ZooKeeper::start("empty") else { return };
    let (registry, protected) =
        (registry(&store), ZooKeeperRegistry::new(options(&store).empty_protection(true)));
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
    let mut shell = shell(&store);
    for address in all {
        node(&mut shell, &PLAIN.key(&instance(address)), |node| node.is_some_and(|node| node.owner != 0))
            .await;
    }
    assert_eq!(shell.get(&PLAIN.kept(&instance(""))).unwrap().value, "there");
    becomes(&mut watched, &all).await;
    // Whoever protects lists has never had an empty one.
    while kept.has_changed().unwrap() {
        assert!(!kept.borrow_and_update().is_empty());
    }
    becomes(&mut kept, &all).await;
}

#[tokio::test]
async fn one_server_of_three_may_be_lost_or_freeze() {
    let Some(mut store) = ZooKeeper::of("three", 3, "") else { return };
    let registry = registry(&store);
    let mut watched = registry.watch(&Wanted::app(APP));
    let _one = registry.register(instance("10.0.0.1:1")).await.unwrap();
    becomes(&mut watched, &["10.0.0.1:1"]).await;
    for lost in 0..3 {
        let freezes = lost == 1;
        if freezes {
            store.signal(lost, "STOP")
        } else {
            store.kill(lost)
        };
        let address = format!("10.0.0.2:{lost}");
        let other = registry.register(instance(&address)).await.unwrap();
        becomes(&mut watched, &["10.0.0.1:1", &address]).await;
        sleep(TTL + TTL / 2).await;
        // The others may have been without a leader for longer than a session lasts.
        becomes(&mut watched, &["10.0.0.1:1", &address]).await;
        if freezes {
            store.signal(lost, "CONT");
        }
        store.resume();
        other.deregister().await.unwrap();
        becomes(&mut watched, &["10.0.0.1:1"]).await;
    }
}

#[tokio::test]
async fn what_a_user_writes_is_for_this_user_alone() {
    let Some(store) = ZooKeeper::start("auth") else { return };
    let with = |password: &str| ZooKeeperRegistry::new(options(&store).user("me", password));
    let (registry, mut shell) = (with("a-word"), shell(&store));
    assert!(!format!("{registry:?}").contains("a-word"));
    let mut watched = registry.watch(&Wanted::app(APP));
    let _one = registry.register(instance("10.0.0.1:1")).await.unwrap();
    becomes(&mut watched, &["10.0.0.1:1"]).await;
    let key = PLAIN.key(&instance("10.0.0.1:1"));
    let told = shell.run(&format!("get {key}")).join("\n");
    assert!(told.contains("Insufficient permission") || told.contains("NoAuth"), "{told}");
    shell.run("addauth digest me:a-word");
    assert_eq!(shell.get(&key).map(|node| node.owner != 0), Some(true));
    let rights = shell.run(&format!("getAcl {key}")).join(" ");
    assert!(
        rights.contains("'digest,'me:") && rights.contains("cdrwa") && !rights.contains("world"),
        "{rights}"
    );

    let refused = with("another").register(instance("10.0.0.2:1")).await.unwrap_err().to_string();
    assert!(refused.contains("zookeeper refuses") && !refused.contains("another"), "{refused}");
}

#[tokio::test]
async fn all_keys_may_be_in_a_folder() {
    let Some(store) = ZooKeeper::start("folder") else { return };
    let endpoint = format!("{}/fleet/one", store.endpoints()[0]);
    let at = |endpoint: &str| ZooKeeperOptions::at([endpoint], vec![Arc::new(PLAIN)]).ttl(TTL);
    let registry = ZooKeeperRegistry::new(at(&endpoint));
    let mut watched = registry.watch(&Wanted::app(APP));
    let one = registry.register(instance("10.0.0.1:1")).await.unwrap();
    becomes(&mut watched, &["10.0.0.1:1"]).await;
    let mut shell = shell(&store);
    let key = format!("/fleet/one{}", PLAIN.key(&instance("10.0.0.1:1")));
    assert_ne!(shell.get(&key).unwrap().owner, 0);
    assert_eq!(shell.get("/plain"), None);
    one.deregister().await.unwrap();
    becomes(&mut watched, &[]).await;
    let nowhere = ZooKeeperRegistry::new(at("/fleet")).register(instance("10.0.0.1:1")).await.unwrap_err();
    assert!(nowhere.to_string().contains("no server is named"), "{nowhere}");
}

#[tokio::test]
async fn what_changed_behind_a_cut_is_known_after_it() {
    let Some(store) = ZooKeeper::start("cut") else { return };
    let registry = registry(&store);
    let cable = Cable::to(store.endpoints().remove(0)).await;
    let beyond =
        ZooKeeperRegistry::new(ZooKeeperOptions::at([&cable.address], vec![Arc::new(PLAIN)]).ttl(20 * TTL));
    let one = registry.register(instance("10.0.0.1:1")).await.unwrap();
    let _there = beyond.register(instance("10.0.0.9:1")).await.unwrap();
    let mut watched = beyond.watch(&Wanted::app(APP));
    becomes(&mut watched, &["10.0.0.1:1", "10.0.0.9:1"]).await;
    let owner = Shell::at(&store.endpoints()[0]).get(&PLAIN.key(&instance("10.0.0.9:1"))).unwrap().owner;
    cable.set(false);
    one.deregister().await.unwrap();
    let _two = registry.register(instance("10.0.0.2:1")).await.unwrap();
    sleep(Duration::from_millis(200)).await;
    assert_eq!(ids(&watched.borrow()), ["10.0.0.1:1", "10.0.0.9:1"], "what is known stays");
    cable.set(true);
    becomes(&mut watched, &["10.0.0.2:1", "10.0.0.9:1"]).await;
    // A cut that is shorter than the time of a session ends none.
    let mut shell = shell(&store);
    assert_eq!(shell.get(&PLAIN.key(&instance("10.0.0.9:1"))).unwrap().owner, owner);
}

#[tokio::test]
async fn a_thousand_instances_are_found() {
    let Some(store) = ZooKeeper::start("thousand") else { return };
    let mut shell = shell(&store);
    let put = |shell: &mut Shell, numbers: std::ops::Range<u32>| {
        for number in numbers {
            let one = instance(&format!("10.0.{}.{}:1", number / 250, number % 250));
            let (key, value) = (PLAIN.key(&one), serde_json::to_string(&one).unwrap());
            shell.run(&format!("create {key} '{value}'"));
        }
    };
    // The folder comes later than who follows it.
    let mut watched = registry(&store).watch(&Wanted::app(APP));
    sleep(Duration::from_millis(300)).await;
    shell.create(&format!("/plain/{APP}"), "");
    put(&mut shell, 0..700);
    let mut again = registry(&store).watch(&Wanted::app(APP));
    turns(&mut again, |list| list.len() == 700).await;
    put(&mut shell, 700..1_000);
    turns(&mut again, |list| list.len() == 1_000).await;
    turns(&mut watched, |list| list.len() == 1_000).await;
}

#[tokio::test]
async fn what_is_mapped_is_found() {
    let Some(store) = ZooKeeper::start("mapped") else { return };
    let at = |layouts| -> Box<dyn Registry> {
        Box::new(ZooKeeperRegistry::new(ZooKeeperOptions::at(store.endpoints(), layouts).ttl(TTL)))
    };
    let mut shell = shell(&store);
    stores::what_is_mapped_is_found(StoreKind::ZooKeeper, at, async |key, value| shell.set(key, value)).await;
}

const ENDPOINT: &str = "ZOOKEEPER_TEST_ENDPOINT";

/// Registers until it is killed.
#[tokio::test]
async fn child_is_an_instance() {
    let Ok(endpoint) = std::env::var(ENDPOINT) else { return };
    let registry = ZooKeeperRegistry::new(ZooKeeperOptions::at([endpoint], vec![Arc::new(PLAIN)]).ttl(TTL));
    let _registered = registry.register(instance("10.0.0.7:1")).await.unwrap();
    std::future::pending().await
}

fn child(store: &ZooKeeper) -> Process {
    Process::start("child_is_an_instance", ENDPOINT, &store.endpoints()[0])
}

#[tokio::test]
async fn who_is_killed_is_gone_and_who_slept_is_back() {
    let Some(store) = ZooKeeper::start("killed") else { return };
    let mut watched = registry(&store).watch(&Wanted::app(APP));
    let process = child(&store);
    becomes(&mut watched, &["10.0.0.7:1"]).await;
    process.signal("STOP");
    sleep(2 * TTL).await;
    becomes(&mut watched, &[]).await;
    process.signal("CONT");
    becomes(&mut watched, &["10.0.0.7:1"]).await;
    let killed = Instant::now();
    process.signal("KILL");
    becomes(&mut watched, &[]).await;
    // The session was at most whole when it died; the server looks for ended ones at every tick.
    assert!(killed.elapsed() < TTL + Duration::from_secs(2), "{:?}", killed.elapsed());
}

#[tokio::test]
async fn what_an_earlier_process_left_is_taken_over_and_stays() {
    let Some(store) = ZooKeeper::start("stale") else { return };
    let (registry, mut shell) = (registry(&store), shell(&store));
    let key = PLAIN.key(&instance("10.0.0.7:1"));
    let process = child(&store);
    let stale = node(&mut shell, &key, |node| node.is_some()).await.unwrap();
    process.signal("KILL");
    // The session of the dead still holds it.
    let registered = registry.register(instance("10.0.0.7:1")).await.unwrap();
    let own = shell.get(&key).unwrap();
    assert!(registered.is_held() && own.owner != stale.owner && own.owner != 0, "{own:?}");
    sleep(2 * TTL).await;
    assert_eq!(shell.get(&key).unwrap(), own, "it does not go with the session of the dead");
}

#[tokio::test]
async fn a_server_that_froze_for_longer_than_a_session_costs_nobody_his_place() {
    let Some(store) = ZooKeeper::start("frozen") else { return };
    let registry = registry(&store);
    let mut watched = registry.watch(&Wanted::app(APP));
    let one = registry.register(instance("10.0.0.1:1")).await.unwrap();
    becomes(&mut watched, &["10.0.0.1:1"]).await;
    let two = registry.register(instance("10.0.0.2:1")).await.unwrap();
    store.signal(0, "STOP");
    sleep(2 * TTL).await;
    assert!(!one.is_held());
    // Whoever leaves now cannot say so, and does not wait for ever.
    let begun = Instant::now();
    assert!(two.deregister().await.is_err());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(!watched.borrow().is_empty(), "what is known stays");
    store.signal(0, "CONT");
    becomes(&mut watched, &["10.0.0.1:1"]).await;
    eventually("it is registered again", || one.is_held()).await;
    sleep(2 * TTL).await;
    assert_eq!(ids(&watched.borrow()), ["10.0.0.1:1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_calls_another_one_through_zookeeper() {
    let Some(store) = ZooKeeper::start("apps") else { return };
    let config = |more: &str| {
        let endpoint = &store.endpoints()[0];
        let text = format!(
            "[server]\naddress = \"127.0.0.1:0\"\nstop_wait_ms = 0\n[registry]\nkind = \"zookeeper\"\n\
             endpoints = [\"{endpoint}/fleet\"]\nlayouts = [\"dubbo-tri\", \"dubbo-app\", \"kratos\"]\nttl_ms = 2000\n\
             user = \"me\"\npassword = \"a-word\"\n{more}"
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
    assert!(page.contains(r#""well": true"#) && page.contains(r#""zookeeper""#), "{page}");
    let page = support::http::get(governor, "/config").await.body;
    assert!(page.contains("registry.password") && !page.contains("a-word"), "{page}");

    let mut shell = shell(&store);
    shell.run("addauth digest me:a-word");
    let is_node = |line: &String| line.starts_with("/fleet/");
    let mut all = || -> Vec<Node> {
        let paths: Vec<String> = shell.run("ls -R /fleet").into_iter().filter(is_node).collect();
        paths.iter().filter_map(|path| shell.get(path)).collect()
    };
    let owners: Vec<i64> = all().iter().map(|node| node.owner).filter(|owner| *owner != 0).collect();
    assert!(
        owners.len() > 2 && owners.iter().all(|owner| *owner == owners[0]),
        "all in one session: {owners:?}"
    );
    served.stop().await.unwrap();
    assert!(all().iter().all(|node| node.owner == 0), "nothing that lived with it is left");
}
