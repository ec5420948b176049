//! What `jovian new --registry` makes: the files in which such a project differs from another one, as they are in
//! `tests/skeletons`, and a service that is found through a real store. `BLESS=1` renews the files.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test says what it expects")]

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

#[path = "../runtime/tests/support/etcd.rs"]
mod etcd;
#[path = "../runtime/tests/support/nacos.rs"]
mod nacos;
#[path = "support/project.rs"]
mod project;
mod support;
#[allow(dead_code, reason = "the runtime's own tests use the rest")]
#[path = "../runtime/tests/support/zookeeper.rs"]
mod zookeeper;
use etcd::Etcd;
use nacos::Nacos;
use project::{
    Running, cargo, empty, eventually, free_address, jovian, new_project, new_service, one_at_a_time, passes,
    said,
};
use support::{bless, differences, root, tree};
use zookeeper::ZooKeeper;

/// Projects, by their folders in `tests/skeletons`.
const PROJECTS: &[(&str, &[&str])] = &[
    ("memory", &["--registry", "memory"]),
    ("etcd", &["--registry", "etcd", "--layout", "jupiter,dubbo,kitex"]),
    ("zookeeper", &["--registry", "zookeeper"]),
    ("nacos", &["--registry", "nacos", "--layout", "dubbo,kratos"]),
];

#[test]
fn a_project_differs_in_these_files() {
    let usual = new_project("shop.order.orders", &[]);
    assert_eq!(usual, new_project("shop.order.orders", &["--registry", "file"]));
    let mut found = Vec::new();
    for (folder, arguments) in PROJECTS {
        let golden = root().join("tests/skeletons").join(folder);
        let made = new_project("shop.order.orders", arguments);
        assert!(usual.keys().all(|name| made.contains_key(name)), "{folder} has less than others");
        let own: BTreeMap<String, String> =
            made.into_iter().filter(|(name, text)| usual.get(name) != Some(text)).collect();
        if bless() {
            let _nothing_there = fs::remove_dir_all(&golden);
            for (name, text) in &own {
                let path = golden.join(name);
                fs::create_dir_all(path.parent().expect("a folder")).expect("the golden folder");
                fs::write(path, text).expect("the golden file");
            }
        }
        found.extend(differences(folder, &tree(&golden), &own));
    }
    assert!(found.is_empty(), "{}\n(BLESS=1 renews)", found.join("\n"));
}

#[test]
fn the_runtime_gets_the_feature_wherever_it_comes_from() {
    for (source, dependency) in [
        ("vendored", r#"jovian-runtime = { path = "vendor/jovian-runtime", features = ["etcd"] }"#),
        ("registry=0.1", r#"jovian-runtime = { version = "0.1", features = ["etcd"] }"#),
    ] {
        let made = new_project("orders", &["--registry", "etcd", "--runtime", source]);
        assert!(made["Cargo.toml"].contains(dependency), "{}", made["Cargo.toml"]);
    }
}

/// Registries and layouts that do not go together are explained, all of them at once, and nothing is written.
#[test]
fn what_does_not_go_together_is_refused() {
    let dir = empty();
    for (arguments, complaints) in [
        (&["--registry", "consul"][..], &["there is no registry `consul`", "`memory`, `file`, `etcd`"][..]),
        (
            &["--registry", "zookeeper", "--layout", "dubbo,jupiter"],
            &[
                "ZooKeeper has no layout `jupiter`",
                "its layouts are `dubbo-tri`, `dubbo-grpc`, `dubbo-app`, `kratos`",
            ],
        ),
        (
            &["--registry", "nacos", "--layout", "jupiter"],
            &["Nacos has no layout `jupiter`", "its layouts are `dubbo-tri`, `dubbo-app`, `kratos`"],
        ),
        (&["--layout", "jupiter"], &["the registry `file` has no layouts", "`etcd`"]),
        (&["--registry", "memory", "--layout", "dubbo"], &["the registry `memory` has no layouts"]),
        (
            &["--registry", "etcd", "--layout", "jupiter,spring,", "--layout", "dubo"],
            &[
                "etcd has no layout `spring`",
                "etcd has no layout ``",
                "etcd has no layout `dubo`",
                "`dubbo` is `dubbo-tri` and `dubbo-app`",
            ],
        ),
    ] {
        let run = jovian(dir.path(), &[&["new", "orders"], arguments].concat());
        assert_eq!(run.status.code(), Some(2), "{arguments:?}");
        for complaint in ["error[J0006]", "help: "].iter().chain(complaints) {
            assert!(said(&run).contains(complaint), "{arguments:?}: {}", said(&run));
        }
        assert!(tree(dir.path()).is_empty(), "{arguments:?}");
    }
}

#[test]
fn the_test_of_the_registry_is_formatted() {
    let long = "acme_platform.customer_relations.subscription_invoices";
    for name in ["a", "shop.order.orders", "shop.item", long] {
        let dir = empty();
        let run = jovian(dir.path(), &["new", name, "--path", "project", "--registry", "etcd"]);
        assert!(run.status.success(), "{}", said(&run));
        let project = dir.path().join("project");
        let fmt = Command::new("rustfmt")
            .args(["--check", "--edition", "2024", "tests/registry.rs"])
            .current_dir(&project)
            .output()
            .expect("rustfmt runs");
        assert!(fmt.status.success(), "{name}: {}", said(&fmt));
    }
}

/// The test of a new project finds the service in this store, calls it, and sees it go.
fn finds_itself(name: &str, registry: &[&str], endpoint: &str) {
    let _one = one_at_a_time();
    let project = new_service(name, registry);
    let mut test = cargo(&project, &["test", "--test", "registry"]);
    let test = test.env("JOVIAN_REGISTRY__ENDPOINTS", format!("[\"{endpoint}\"]"));
    let tested = test.env("JOVIAN_REQUIRE_REGISTRY", "1").output().expect("cargo runs");
    let text = said(&tested);
    assert!(tested.status.success() && text.contains("1 passed") && !text.contains("skipped"), "{text}");
}

#[test]
fn a_new_service_is_found_in_zookeeper() {
    let Some(store) = ZooKeeper::start("skeleton") else { return };
    finds_itself("shop.order.parcels", &["--registry", "zookeeper"], &store.endpoints()[0]);
}

#[test]
fn a_new_service_is_found_in_nacos() {
    let Some(store) = Nacos::start("skeleton", &[]) else { return };
    let registry = ["--registry", "nacos", "--layout", "dubbo,kratos"];
    finds_itself("shop.order.invoices", &registry, &store.endpoint());
}

/// What etcd's own client finds of an app.
fn keys(store: &Etcd, app: &str) -> Vec<String> {
    let found = Command::new("etcdctl")
        .env("ETCDCTL_API", "3")
        .args(["--endpoints", &store.endpoints()[0], "get", "--prefix", "--keys-only", ""])
        .output()
        .expect("etcdctl runs");
    assert!(found.status.success(), "{}", said(&found));
    said(&found).lines().filter(|key| key.contains(app)).map(str::to_owned).collect()
}

/// All that a new service with a store promises.
#[test]
fn a_new_service_is_found_in_etcd() {
    const ENDPOINTS: &str = "JOVIAN_REGISTRY__ENDPOINTS";
    let Some(store) = Etcd::start("skeleton") else { return };
    let _one = one_at_a_time();
    let layouts = ["--registry", "etcd", "--layout", "jupiter,dubbo,kitex"];
    let project = new_service("shop.order.baskets", &layouts);
    let listed = |address: &str| format!("[\"{address}\"]");
    let (here, nowhere) = (listed(&store.endpoints()[0]), free_address());

    let tested = cargo(&project, &["test"]).env(ENDPOINTS, listed(&nowhere)).output().expect("cargo runs");
    let text = said(&tested);
    assert!(tested.status.success() && !text.contains("warning"), "{text}");
    assert_eq!(
        text.matches(&format!("skipped: there is no store for tests at {nowhere} ")).count(),
        1,
        "{text}"
    );
    let registry = |endpoints: &str| {
        let mut test = cargo(&project, &["test", "--test", "registry"]);
        test.env(ENDPOINTS, endpoints).env("JOVIAN_REQUIRE_REGISTRY", "1").output().expect("cargo runs")
    };
    let refused = registry(&listed(&nowhere));
    assert!(!refused.status.success() && said(&refused).contains("there is no store"), "{}", said(&refused));
    let tested = registry(&here);
    assert!(tested.status.success(), "{}", said(&tested));

    let address = free_address();
    let service = cargo(&project, &["run", "--quiet"])
        .env("JOVIAN_SERVER__ADDRESS", &address)
        .env(ENDPOINTS, &here)
        .stdout(Stdio::piped())
        .spawn()
        .map(Running)
        .expect("it starts");
    let leased = [
        format!("grpc:shop.order.baskets:v1:unknown-mode/{address}"),
        format!("/services/shop.order.baskets/{address}"),
        format!("/dubbo/shop.baskets.v1.Baskets/providers/tri%3A%2F%2F{}", address.replace(':', "%3A")),
    ];
    let is_there = |key: &String| keys(&store, "baskets").iter().any(|found| found.starts_with(key));
    eventually("it is in etcd", Duration::from_secs(60), || leased.iter().all(is_there));
    let mut call = cargo(&project, &["run", "--quiet", "--example", "call"]);
    let called = call.env(ENDPOINTS, &here).output().expect("cargo runs");
    assert!(said(&called).contains("BASKET_NOT_FOUND (10001): no basket 2"), "{}", said(&called));
    let (code, log) = service.terminate();
    assert_eq!(code, Some(0), "{log}");
    assert!(!leased.iter().any(is_there), "{:?}", keys(&store, "baskets"));

    passes(&project, &["fmt", "--check"]);
}
