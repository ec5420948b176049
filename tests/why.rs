//! `jovian registry why`. A folder of `tests/why` is a reason, and a folder in it a case: `records` of a registry, the `args`, and
//! the `reasons.txt` that come out; `fine` has those without any. `BLESS=1` renews what is expected. What the real consumer does with the
//! records is laid beside it in `tests/interop/{fleet/tests/go,dubbo/tests/java}/why.rs`.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test says what it expects")]
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use jovian_runtime::etcd_api::etcdserverpb::{KvClient, PutRequest};
use jovian_runtime::registry::MemoryRegistry;
use jovian_runtime::{App, AppConfig};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

#[path = "../runtime/tests/support/etcd.rs"]
mod server;
mod support;
#[path = "support/why_case.rs"]
#[allow(dead_code, reason = "who is called is known by those who call")]
mod why_case;
use server::Etcd;
use support::{expect_text, root};
use why_case::Case;

fn why(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jovian"));
    command.args(["registry", "why"]).args(arguments).current_dir(dir).stdin(Stdio::null());
    command.env_remove("JOVIAN_REGISTRY_USER").env_remove("JOVIAN_REGISTRY_PASSWORD");
    command.output().expect("jovian runs")
}

fn stdout(run: &Output) -> String {
    String::from_utf8_lossy(&run.stdout).into_owned()
}

fn stderr(run: &Output) -> String {
    String::from_utf8_lossy(&run.stderr).into_owned()
}

/// The words of reasons in what is printed.
fn words(text: &str) -> BTreeSet<&str> {
    let heads = text.split("\n\n").skip(1);
    heads.filter_map(|head| head.split_whitespace().next()).collect()
}

fn cases() -> Vec<Case> {
    why_case::all(&root().join("tests/why"))
}

/// What the command says of a case whose records are in this registry.
fn explain(case: &Case, target: &str) -> Output {
    let arguments = case.arguments(target);
    why(&case.folder, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn every_reason_is_found_in_its_records() {
    let mut failures = Vec::new();
    for case in cases() {
        let run = explain(&case, "records:records");
        let text = stdout(&run);
        expect_text(&case.folder.join("reasons.txt"), &text, &mut failures);
        let is_right = match case.reason() {
            "fine" => run.status.code() == Some(0) && words(&text).is_empty(),
            word => run.status.code() == Some(1) && words(&text).contains(word),
        };
        if !is_right {
            let folder = case.folder.display();
            failures.push(format!("{folder}: {:?}\n{text}{}", run.status.code(), stderr(&run)));
        }
    }
    assert!(failures.is_empty(), "{}\n(BLESS=1 renews)", failures.join("\n"));
}

/// Every word of the documentation has its folder, and every folder its word there.
#[test]
fn every_reason_is_listed() {
    let page = fs::read_to_string(root().join("docs/guide/registry-tools.md")).unwrap();
    let listed =
        page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |")).map(|(word, _)| word);
    let listed: BTreeSet<&str> = listed.collect();
    let cases = cases();
    let tested: BTreeSet<&str> = cases.iter().map(Case::reason).filter(|word| *word != "fine").collect();
    // It takes a server that refuses.
    let tested: BTreeSet<&str> = tested.into_iter().chain(["authority"]).collect();
    assert_eq!(tested.difference(&listed).collect::<Vec<_>>(), Vec::<&&str>::new(), "listed: {listed:?}");
    assert!(tested.len() >= 23, "{tested:?}");
}

struct Store {
    etcd: Etcd,
    runtime: Runtime,
}

impl Store {
    fn start(test: &str) -> Option<Self> {
        Some(Self { etcd: Etcd::start(test)?, runtime: Runtime::new().unwrap() })
    }

    fn address(&self) -> String {
        self.etcd.endpoints().remove(0)
    }

    fn target(&self) -> String {
        format!("etcd://{}", self.address())
    }

    fn put(&self, key: &str, value: &str) {
        let (key, value) = (key.to_owned().into(), value.to_owned().into());
        let put = async {
            let keys = KvClient::connect(format!("static://{}", self.address())).unwrap();
            keys.put(PutRequest { key, value, ..Default::default() }).await.unwrap();
        };
        self.runtime.block_on(put);
    }
}

/// The records of every case for etcd, in a real one below no other, give what they give from a file.
#[test]
fn a_real_etcd_gives_the_same_reasons() {
    let Some(store) = Store::start("why") else { return };
    let mut tried = 0;
    for case in cases().iter().filter(|case| case.store == "etcd") {
        tried += 1;
        for (key, value) in &case.records {
            store.put(key, value);
        }
        let run = explain(case, &store.target());
        assert_eq!(stdout(&run), case.expected(), "{}: {}", case.folder.display(), stderr(&run));
        store.clear();
    }
    assert!(tried > 40, "{tried}");
}

impl Store {
    fn clear(&self) {
        use jovian_runtime::etcd_api::etcdserverpb::DeleteRangeRequest;
        let clear = async {
            let keys = KvClient::connect(format!("static://{}", self.address())).unwrap();
            let (key, range_end) = (vec![0].into(), vec![0].into());
            keys.delete_range(DeleteRangeRequest { key, range_end }).await.unwrap();
        };
        self.runtime.block_on(clear);
    }
}

/// What Jupiter and go-zero send as `:authority` is sent to the provider: those of others reset it, ours do not.
#[test]
fn providers_that_refuse_the_authority_are_found() {
    let Some(store) = Store::start("why-authority") else { return };
    let plain = async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut connection = h2::server::handshake(stream).await.unwrap();
                    while let Some(Ok((_, mut respond))) = connection.accept().await {
                        let _gone = respond.send_response(Default::default(), true);
                    }
                });
            }
        });
        address
    };
    let plain = store.runtime.block_on(plain);
    let ours = async {
        let mut config = AppConfig::default();
        config.server.address = "127.0.0.1:0".to_owned();
        let app = App::new(config).with_registry(Arc::new(MemoryRegistry::new()));
        orders::serve_stock(orders::serve_orders(app).unwrap()).start().await.unwrap()
    };
    let ours = store.runtime.block_on(ours);
    let of = |address: &str| format!("grpc:shop.order.orders:v1:live/{address}");
    let target = store.target();
    let jupiter = || {
        let app = ["--mode", "live", "--app", "shop.order.orders", &target, "shop.orders.v1.Orders"];
        why(&root(), &[&["--consumer", "jupiter"], &app[..]].concat())
    };

    store.put(&of(&ours.address().to_string()), "{}");
    let run = jupiter();
    assert_eq!(run.status.code(), Some(0), "{}{}", stdout(&run), stderr(&run));
    assert!(stdout(&run).starts_with("Jupiter finds and reaches 1 provider of shop.orders.v1.Orders\n"));

    store.put(&of(&plain), r#"{"Op":0}"#);
    let run = jupiter();
    let text = stdout(&run);
    assert_eq!((run.status.code(), words(&text)), (Some(1), BTreeSet::from(["authority"])), "{text}");
    assert!(text.contains(&format!("authority   {plain}\n")), "{text}");

    // go-zero sends the hosts of its etcd: one is a name, two are none.
    store.put("orders.rpc/1", &plain);
    let zero = |target: &str| {
        why(&root(), &["--consumer", "go-zero", "--app", "orders.rpc", target, "shop.orders.v1.Orders"])
    };
    let run = zero(&target);
    assert_eq!(run.status.code(), Some(0), "{}{}", stdout(&run), stderr(&run));
    let run = zero(&format!("{target},{}", store.address()));
    assert_eq!(words(&stdout(&run)), BTreeSet::from(["authority"]), "{}{}", stdout(&run), stderr(&run));
}

/// The names of a service are those that its IDL gives it.
#[test]
fn names_are_taken_from_the_idl() {
    let case = root().join("tests/cases/java-package");
    let dir = tempfile::tempdir().unwrap();
    let records = dir.path().join("records");
    let key = "/dubbo/com.example.shop.Orders/providers/tri%3A%2F%2F10.0.0.7%3A9000%2Fshop.v1.Orders%3Fapplication%3Da";
    fs::write(&records, format!("# zookeeper\nleased {key}\n")).unwrap();
    let target = format!("records:{}", records.display());
    let of =
        |more: &[&str]| why(&case, &[&["--consumer", "dubbo-java", "--offline", &target], more].concat());
    let run = of(&["shop.v1.Orders", "--idl", "proto"]);
    assert_eq!(run.status.code(), Some(0), "{}{}", stdout(&run), stderr(&run));
    let run = of(&["shop.v1.Orders", "--idl", "proto", "--as", "json"]);
    let object: serde_json::Value = serde_json::from_str(&stdout(&run)).unwrap();
    assert_eq!(object["service"], "shop.v1.Orders");
    assert_eq!(object["seen"][0]["address"], "10.0.0.7:9000");
    let run = of(&["shop.v1.Orders", "--as", "json"]);
    let object: serde_json::Value = serde_json::from_str(&stdout(&run)).unwrap();
    assert_eq!((run.status.code(), &object["reasons"][0]["code"]), (Some(1), &"not-registered".into()));

    let run = of(&["Order", "--idl", "proto"]);
    assert_eq!(run.status.code(), Some(2), "{}", stderr(&run));
    assert!(stderr(&run).contains("did you mean `shop.v1.Orders`?"), "{}", stderr(&run));
    let files = format!("file://{}", dir.path().display());
    let run = why(&case, &["--consumer", "kratos", &files, "shop.v1.Orders"]);
    assert_eq!(run.status.code(), Some(2), "{}", stderr(&run));
    let run = why(&case, &["--consumer", "consul", &target, "shop.v1.Orders"]);
    assert_eq!(run.status.code(), Some(2), "{}", stderr(&run));
}
