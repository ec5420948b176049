//! `jovian registry` over a real Nacos.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test says what it expects")]
#![cfg(unix)]

use std::fs;
use std::sync::OnceLock;
use std::time::{Duration, Instant as Moment};

use jovian_runtime::registry::layout::{Nacos as Layout, Options};
use jovian_runtime::registry::{NacosOptions, NacosRegistry, Registry as _};
use serde_json::Value;
use tokio::runtime::Runtime;

#[path = "../runtime/tests/support/nacos.rs"]
mod server;
mod support;
#[path = "support/tool.rs"]
mod tool;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "support/why_case.rs"]
mod why_case;
use server::Nacos;
use support::{expect_text, root};
use tool::{APP, PATIENCE, Watch, command, instance, registry, stderr, stdout};
use why_case::Case;

/// The server that most tests share: it takes its time to start. It ends with this process.
fn shared() -> Option<&'static Nacos> {
    static SHARED: OnceLock<Option<Nacos>> = OnceLock::new();
    SHARED.get_or_init(|| Nacos::start("tool", &[])).as_ref()
}

/// A namespace of its own for each test.
fn target(store: &Nacos, namespace: &str) -> String {
    let id = [("customNamespaceId", namespace), ("namespaceName", namespace)];
    store.over_http("POST", "/console/namespaces", &id);
    format!("nacos://{}/{namespace}", store.endpoint())
}

fn options(store: &Nacos, namespace: &str, layouts: &[&str]) -> NacosOptions {
    let layouts = layouts.iter().map(|name| Layout::by_name(name, &Options::default()).unwrap());
    NacosOptions::at([store.endpoint()], layouts).namespace(namespace)
}

/// What the registry of the runtime writes, in all layouts, and what others do.
#[test]
fn everything_in_nacos_is_listed() {
    let Some(store) = shared() else { return };
    let (target, runtime) = (target(store, "listed"), Runtime::new().unwrap());
    assert_eq!(stdout(&registry(&["ls", &target])), format!("{target}\n\nno instances\n"));
    let layouts = ["dubbo-tri", "dubbo-app", "kratos"];
    let ours = NacosRegistry::new(options(store, "listed", &layouts));
    let held = runtime.block_on(ours.register(instance())).unwrap();
    assert!(held.is_held());
    let bad = [
        ("serviceName", "shop.order.orders"),
        ("namespaceId", "listed"),
        ("ip", "10.0.0.9"),
        ("port", "9000"),
        ("metadata", r#"{"dubbo.metadata.revision":"x","dubbo.endpoints":"garbage"}"#),
    ];
    store.over_http("POST", "/ns/instance", &bad);

    let mut failures = Vec::new();
    let mut expect = |file: &str, arguments: &[&str]| {
        let text = stdout(&registry(arguments)).replace(&store.endpoint(), "127.0.0.1:8848");
        expect_text(&root().join("tests/registry/nacos").join(file), &text, &mut failures);
    };
    expect("ls.txt", &["ls", &target]);
    expect("kratos.txt", &["ls", &target, "--prefix", "instances/shop.order.orders.grpc/"]);
    assert!(failures.is_empty(), "{}\n(BLESS=1 renews)", failures.join("\n"));
    let mapping = stdout(&registry(&["get", &target, "texts/mapping/com.example.shop.Orders"]));
    let begins = "texts/mapping/com.example.shop.Orders   stays\n  shop.order.orders\n";
    assert!(mapping.starts_with(begins), "{mapping}");
    let found = stdout(&registry(&["get", &target, "com.example.shop.Orders", "--as", "json"]));
    let found: Value = serde_json::from_str(&found).unwrap();
    let key = "instances/providers:com.example.shop.Orders:1.0.0:blue/10.0.0.7:9000";
    let record = found["records"].as_array().unwrap().iter().find(|record| record["key"] == key).unwrap();
    assert_eq!((&record["leased"], &record["layouts"][0]["layout"]), (&true.into(), &"dubbo-tri".into()));

    // A file of records is what the store is.
    let saved = tempfile::NamedTempFile::new().unwrap();
    fs::write(saved.path(), stdout(&registry(&["ls", &target, "--as", "records"]))).unwrap();
    let services = |target: &str| {
        let text = stdout(&registry(&["ls", target, "--as", "json"]));
        serde_json::from_str::<Value>(&text).unwrap()["services"].clone()
    };
    assert_eq!(services(&format!("records:{}", saved.path().display())), services(&target));

    // Another group is another list.
    let other = NacosRegistry::new(options(store, "listed", &["kratos"]).group("FLEET"));
    let fleet = runtime.block_on(other.register(instance())).unwrap();
    let below = format!("{target}/FLEET");
    let line = "shop.order.orders\n    10.0.0.7:9000   zone eu-west-1a, app version 1.4.2\n";
    assert_eq!(stdout(&registry(&["ls", &below])), format!("{below}\n\nkratos\n  {line}"));
    runtime.block_on(async { (held.deregister().await.unwrap(), fleet.deregister().await.unwrap()) });
    // A server tells of what is gone a moment later.
    let until = Moment::now() + PATIENCE;
    while stdout(&registry(&["ls", &target])).contains("10.0.0.7:9000") {
        assert!(Moment::now() < until, "it is still there");
    }
}

#[test]
fn changes_are_shown_as_they_come() {
    let Some(store) = shared() else { return };
    let (target, runtime) = (target(store, "watched"), Runtime::new().unwrap());
    let ours = NacosRegistry::new(options(store, "watched", &["kratos"]));
    let register = |address: &str, weight| {
        let mut instance = jovian_runtime::registry::Instance::new(APP, address);
        instance.weight = weight;
        runtime.block_on(ours.register(instance)).unwrap()
    };
    let first = register("10.0.0.7:9000", 100);
    let mut watch = Watch::start(&["watch", &target]);
    assert_eq!(watch.line(), "is       kratos     shop.order.orders   10.0.0.7:9000");
    let second = register("10.0.0.8:9000", 100);
    assert_eq!(watch.line(), "new      kratos     shop.order.orders   10.0.0.8:9000");
    runtime.block_on(second.deregister()).unwrap();
    assert_eq!(watch.line(), "gone     kratos     shop.order.orders   10.0.0.8:9000");
    let second = register("10.0.0.8:9000", 50);
    assert_eq!(watch.line(), "new      kratos     shop.order.orders   10.0.0.8:9000   weight 50");
    let operator = [
        ("serviceName", "shop.order.orders.grpc"),
        ("namespaceId", "watched"),
        ("ip", "10.0.0.8"),
        ("port", "9000"),
        ("ephemeral", "true"),
        ("weight", "7"),
        ("enabled", "true"),
    ];
    store.over_http("PUT", "/ns/instance", &operator);
    assert_eq!(watch.line(), "changed  kratos     shop.order.orders   10.0.0.8:9000   weight 7");

    // A service that was not there, and the text of a mapping.
    let dubbo = NacosRegistry::new(options(store, "watched", &["dubbo-app"]));
    let held = runtime.block_on(dubbo.register(instance())).unwrap();
    let lines: Vec<String> = (0..4).map(|_| watch.line()).collect();
    let begins = "new      dubbo-app  ";
    assert!(lines.iter().all(|line| line.starts_with(begins)), "{lines:#?}");
    for key in
        ["10.0.0.7:9000", "texts/mapping/com.example.shop.Orders", "texts/mapping/shop.orders.v1.Orders"]
    {
        assert!(lines.iter().any(|line| line.contains(key)), "{key}: {lines:#?}");
    }
    runtime.block_on(async {
        held.deregister().await.unwrap();
        for held in [first, second] {
            held.deregister().await.unwrap();
        }
    });
    // Nacos tells of services in an order of its own.
    let mut gone: Vec<String> = (0..3).map(|_| watch.line()).collect();
    gone.sort();
    for (line, begins) in gone.iter().zip([
        "gone     dubbo-app  shop.order.orders   10.0.0.7:9000",
        "gone     kratos     shop.order.orders   10.0.0.7:9000",
        "gone     kratos     shop.order.orders   10.0.0.8:9000",
    ]) {
        assert!(line.starts_with(begins), "{gone:#?}");
    }
    assert_eq!(watch.interrupt(), Some(0));
}

/// All commands, none of which has to do anything; what they say.
fn all_fail(target: &str, said: &str) {
    for arguments in [
        &["ls", target][..],
        &["get", target, APP],
        &["watch", target],
        &["why", "--consumer", "kratos", target, APP],
    ] {
        let begun = Moment::now();
        let run = registry(arguments);
        assert_eq!(run.status.code(), Some(2), "{arguments:?}: {}", stderr(&run));
        let text = stderr(&run);
        assert!(text.contains(said) && !text.contains("hunter"), "{text}");
        assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
    }
}

/// A store that is away, and a namespace that is not there, are told within seconds.
#[test]
fn what_is_not_there_is_named() {
    let Some(store) = shared() else { return };
    let none = format!("nacos://{}/none", store.endpoint());
    all_fail(&none, &format!("`{none}` is not there: there is no namespace `none`"));
    all_fail("nacos://127.0.0.1:1", "`nacos://127.0.0.1:1` does not answer");
    let run = registry(&["why", "--consumer", "jupiter", &none, APP]);
    assert_eq!(run.status.code(), Some(2), "{}", stderr(&run));
    assert!(stderr(&run).contains("what Jupiter reads in `nacos` is not known here"), "{}", stderr(&run));
}

/// Whoever is asked for a password gives it by the target or by variables, and it is never shown.
#[test]
fn passwords_are_asked_for_and_never_shown() {
    let Some(store) = Nacos::start("tool-auth", &["-Dnacos.core.auth.enabled=true"]) else { return };
    store.over_http("POST", "/auth/users/admin", &[("password", "hunter/2")]);
    let target = format!("nacos://{}", store.endpoint());
    let named = |user: &str| target.replace("//", &format!("//{user}@"));
    let empty = format!("{target}\n\nno instances\n");
    assert_eq!(stdout(&registry(&["ls", &named("nacos:hunter%2F2")])), empty);
    let mut variables = command(&["ls", &target]);
    variables.env("JOVIAN_REGISTRY_USER", "nacos").env("JOVIAN_REGISTRY_PASSWORD", "hunter/2");
    assert_eq!(stdout(&variables.output().unwrap()), empty);
    for who in [named("nacos:hunter3"), named("you:hunter%2F2"), target.clone()] {
        all_fail(&who, &format!("`{target}` refuses: "));
    }
}

/// The records of every case of `why` for Nacos, in a real one, give what they give from a file.
#[test]
fn a_real_nacos_gives_the_same_reasons() {
    let Some(store) = shared() else { return };
    let mut cases = 0;
    let all = why_case::all(&root().join("tests/why"));
    // Nobody but the server says of an instance that it is dead, and not at once; those out of use it tells to nobody.
    let is_out = |value: &str| ["\"healthy\":false", "\"enabled\":false"].iter().any(|it| value.contains(it));
    let is_here =
        |case: &&Case| case.store == "nacos" && !case.records.iter().any(|(_, value)| is_out(value));
    for case in all.iter().filter(is_here) {
        cases += 1;
        let namespace = format!("case-{cases}");
        let arguments = case.arguments(&target(store, &namespace));
        case.records.iter().for_each(|(key, value)| store.put(&namespace, key, value));
        let expected = case.expected();
        // A server tells of what is new a moment later. Nobody gives signs of life for these instances.
        let until = Moment::now() + Duration::from_secs(10);
        let run = loop {
            let run = command(&["why"]).args(&arguments).current_dir(&case.folder).output().unwrap();
            if String::from_utf8_lossy(&run.stdout) == expected || Moment::now() > until {
                break run;
            }
        };
        let text = String::from_utf8_lossy(&run.stdout);
        assert_eq!(text, expected, "{}: {}", case.folder.display(), stderr(&run));
    }
    assert!(cases >= 15, "{cases}");
}
