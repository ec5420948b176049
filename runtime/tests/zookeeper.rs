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

use jovian_runtime::registry::layout::Layout;
use jovian_runtime::registry::{Instance, Registry as _, Wanted, ZooKeeperOptions, ZooKeeperRegistry};
use plain::Plain;
use server::{Node, Shell, ZooKeeper};
use stores::{APP, Cable, PATIENCE, Process, becomes, ids, instance, turns};
use support::eventually;
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
