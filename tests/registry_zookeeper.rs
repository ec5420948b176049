//! `jovian registry` over a real ZooKeeper.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test says what it expects")]
#![cfg(unix)]

use std::time::{Duration, Instant as Moment};

use jovian_runtime::registry::layout::{self, Options, StoreKind};
use jovian_runtime::registry::{Instance, Registry as _, ZooKeeperOptions, ZooKeeperRegistry};
use tokio::runtime::Runtime;

#[allow(dead_code, reason = "the runtime's own tests use the rest")]
#[path = "../runtime/tests/support/zookeeper.rs"]
mod server;
mod support;
#[path = "support/tool.rs"]
mod tool;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "support/why_case.rs"]
mod why_case;
use server::{Shell, ZooKeeper};
use support::{expect_text, root};
use tool::{APP, Watch, command, instance, registry, stderr, stdout};
use why_case::Case;

/// A ZooKeeper, and its own command line.
struct Store {
    zookeeper: ZooKeeper,
    shell: Shell,
    runtime: Runtime,
}

impl Store {
    fn start(test: &str) -> Option<Self> {
        let zookeeper = ZooKeeper::start(test)?;
        let shell = Shell::at(&zookeeper.endpoints()[0]);
        Some(Self { zookeeper, shell, runtime: Runtime::new().unwrap() })
    }

    fn address(&self) -> String {
        self.zookeeper.endpoints().remove(0)
    }

    fn target(&self) -> String {
        format!("zookeeper://{}", self.address())
    }

    fn registry(&self, root: &str, layouts: &[&str]) -> ZooKeeperRegistry {
        let options = Options::of(StoreKind::ZooKeeper);
        let layouts = layouts.iter().map(|name| layout::by_name(name, &options).unwrap());
        let options = ZooKeeperOptions::at([self.address() + root], layouts.collect());
        ZooKeeperRegistry::new(options.ttl(Duration::from_secs(2)))
    }
}

const ALL: [&str; 4] = ["dubbo-tri", "dubbo-grpc", "dubbo-app", "kratos"];

/// What the registry of the runtime writes, in all layouts, and what others do.
#[test]
fn everything_in_zookeeper_is_listed() {
    let Some(mut store) = Store::start("tool-ls") else { return };
    let target = store.target();
    assert!(stdout(&registry(&["ls", &target])).ends_with("\n\nno instances\n"));
    let ours = store.registry("", &ALL);
    let held = store.runtime.block_on(ours.register(instance())).unwrap();
    assert!(held.is_held());
    store.shell.create("/microservices/shop.order.orders-admin/b", "garbage");
    store.shell.create("/settings/orders", "{}");

    let mut failures = Vec::new();
    let mut expect = |file: &str, arguments: &[&str]| {
        let text = stdout(&registry(arguments)).replace(&store.address(), "127.0.0.1:2181");
        expect_text(&root().join("tests/registry/zookeeper").join(file), &text, &mut failures);
    };
    expect("ls.txt", &["ls", &target]);
    expect("kratos.txt", &["ls", &target, "--prefix", "/microservices/"]);
    expect("get.txt", &["get", &target, "/services/shop.order.orders/10.0.0.7:9000"]);
    assert!(failures.is_empty(), "{}\n(BLESS=1 renews)", failures.join("\n"));

    // A file of records is what the store is.
    let saved = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(saved.path(), stdout(&registry(&["ls", &target, "--as", "records"]))).unwrap();
    let of_file = format!("records:{}", saved.path().display());
    let services = |target: &str| {
        let text = stdout(&registry(&["ls", target, "--as", "json"]));
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["services"].clone()
    };
    assert_eq!(services(&of_file), services(&target));

    // A folder of all keys is no part of them.
    let fleet = store.registry("/fleet", &["kratos"]);
    let other = store.runtime.block_on(fleet.register(Instance::new(APP, "10.0.0.8:9000"))).unwrap();
    let below = format!("{target}/fleet");
    let text = stdout(&registry(&["ls", &below]));
    let expected = format!("{below}\n\nkratos\n  shop.order.orders\n    10.0.0.8:9000\n\n");
    assert!(text.starts_with(&expected), "{text}");
    store.runtime.block_on(async { (held.deregister().await.unwrap(), other.deregister().await.unwrap()) });
    assert!(!stdout(&registry(&["ls", &target])).contains("10.0.0.7:9000"));
}

#[test]
fn changes_are_shown_as_they_come() {
    let Some(mut store) = Store::start("tool-watch") else { return };
    store.shell.create("/microservices/stock/1", "garbage");
    let target = store.target();
    let mut watch = Watch::start(&["watch", &target]);
    // Folders are shown as well.
    let line = || (0..).map(|_| watch.line()).find(|line| !line.contains(" -     ")).unwrap();
    assert!(line().starts_with("is       kratos     stock   /microservices/stock/1   cannot be read"));
    // Folders that were not there come with it.
    let ours = store.registry("", &["dubbo-tri", "kratos"]);
    let held = store.runtime.block_on(ours.register(instance())).unwrap();
    let mut lines: Vec<String> = (0..3).map(|_| line()).collect();
    lines.sort();
    let begins = [
        "new      dubbo-tri  com.example.shop.Orders   10.0.0.7:9000   ",
        "new      dubbo-tri  shop.orders.v1.Orders   10.0.0.7:9000   ",
        "new      kratos     shop.order.orders   10.0.0.7:9000   ",
    ];
    assert!(lines.iter().zip(begins).all(|(line, begin)| line.starts_with(begin)), "{lines:#?}");

    let kratos = r#"{"name":"stock","endpoints":["grpc://10.0.0.9:9000"]}"#;
    store.shell.set("/microservices/stock/1", kratos);
    assert_eq!(line(), "changed  kratos     stock   10.0.0.9:9000   id 1");
    store.runtime.block_on(held.deregister()).unwrap();
    let lines: Vec<String> = (0..3).map(|_| line()).collect();
    assert!(
        lines.iter().all(|line| line.starts_with("gone ") && line.contains("10.0.0.7:9000")),
        "{lines:#?}"
    );
    store.shell.run("delete /microservices/stock/1");
    assert_eq!(line(), "gone     kratos     stock   10.0.0.9:9000   id 1");
    store.shell.create("/microservices/stock/2", kratos);
    assert_eq!(line(), "new      kratos     stock   10.0.0.9:9000   id 2");

    // What changed while the store was away is shown when it is back.
    store.zookeeper.kill(0);
    store.zookeeper.resume();
    store.shell = Shell::at(&store.address());
    store.shell.create("/microservices/stock/3", "garbage");
    assert!(line().starts_with("new      kratos     stock   /microservices/stock/3   cannot be read"));
    assert_eq!(watch.interrupt(), Some(0));

    let none = registry(&["watch", &target, "none", "--count", "1", "--for", "300ms"]);
    assert_eq!((none.status.code(), none.stdout.len()), (Some(1), 0));
}

/// Nodes that are for one user alone are shown to that user; a password is taken from the target, and never shown.
#[test]
fn nodes_of_a_user_are_for_that_user() {
    let Some(store) = Store::start("tool-users") else { return };
    let options = vec![layout::by_name("kratos", &Options::of(StoreKind::ZooKeeper)).unwrap()];
    let options = ZooKeeperOptions::at([store.address()], options).user("me", "hunter/2");
    let ours = ZooKeeperRegistry::new(options);
    let held = store.runtime.block_on(ours.register(instance())).unwrap();
    let target = store.target();
    let named = |user: &str| target.replace("//", &format!("//{user}@"));
    let text = stdout(&registry(&["ls", &named("me:hunter%2F2")]));
    assert!(text.starts_with(&format!("{target}\n")) && text.contains("10.0.0.7:9000"), "{text}");
    let variables = command(&["ls", &target])
        .env("JOVIAN_REGISTRY_USER", "me")
        .env("JOVIAN_REGISTRY_PASSWORD", "hunter/2")
        .output()
        .unwrap();
    assert!(stdout(&variables).contains("10.0.0.7:9000"));
    for who in [named("me:hunter3"), named("you:hunter%2F2"), target.clone()] {
        for arguments in [
            &["ls", &who][..],
            &["get", &who, APP],
            &["watch", &who],
            &["why", "--consumer", "kratos", &who, APP],
        ] {
            let run = registry(arguments);
            assert_eq!(run.status.code(), Some(2), "{arguments:?}: {}", stderr(&run));
            let said = stderr(&run);
            assert!(said.contains("refuses: `/microservices") && !said.contains("hunter"), "{said}");
        }
    }
    store.runtime.block_on(held.deregister()).unwrap();
}

/// A store that is away or silent, and a folder that is not there, are told within seconds.
#[test]
fn what_is_not_there_is_named() {
    let Some(mut store) = Store::start("tool-away") else { return };
    let target = store.target();
    let all = |target: &str, said: &str| {
        for arguments in [
            &["ls", target][..],
            &["get", target, APP],
            &["watch", target],
            &["why", "--consumer", "kratos", target, APP],
        ] {
            let begun = Moment::now();
            let run = registry(arguments);
            assert_eq!(run.status.code(), Some(2), "{arguments:?}: {}", stderr(&run));
            assert!(stderr(&run).contains(said), "{}", stderr(&run));
            assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        }
    };
    all(&format!("{target}/none"), &format!("`{target}/none` is not there: there is no folder `/none`"));
    let tls = registry(&["ls", &target, "--tls"]);
    assert_eq!(tls.status.code(), Some(2), "{}", stderr(&tls));
    store.zookeeper.signal(0, "STOP");
    all(&target, &format!("`{target}` does not answer"));
    store.zookeeper.signal(0, "CONT");
    store.zookeeper.kill(0);
    all(&target, &format!("`{target}` does not answer"));
}

/// The records of every case of `why` for ZooKeeper, in a real one, give what they give from a file.
#[test]
fn a_real_zookeeper_gives_the_same_reasons() {
    let Some(mut store) = Store::start("tool-why") else { return };
    let mut cases = 0;
    let all = why_case::all(&root().join("tests/why"));
    // No path of ZooKeeper has two slashes.
    let is_here =
        |case: &&Case| case.store == "zookeeper" && !case.records.iter().any(|(key, _)| key.contains("//"));
    for case in all.iter().filter(is_here) {
        cases += 1;
        let folder = format!("/case-{cases}");
        for (key, value) in &case.records {
            store.shell.create(&format!("{folder}{key}"), value);
        }
        let arguments = case.arguments(&format!("{}{folder}", store.target()));
        let run = command(&["why"]).args(arguments).current_dir(&case.folder).output().unwrap();
        let text = String::from_utf8_lossy(&run.stdout);
        assert_eq!(text, case.expected(), "{}: {}", case.folder.display(), stderr(&run));
    }
    assert!(cases >= 20, "{cases}");
}
