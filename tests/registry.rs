//! `jovian registry ls`, `get` and `watch` over a real etcd and over the registry of files.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test says what it expects")]
#![cfg(unix)]

use std::process::Command;
use std::time::Duration;

use jovian_runtime::etcd_api::etcdserverpb::{DeleteRangeRequest, KvClient, PutRequest};
use jovian_runtime::registry::layout::{self, Options};
use jovian_runtime::registry::{FileRegistry, Instance, Registry as _};
use jovian_tests_tls::{Authority, LOCALHOST, Names, Secret, secret};
use tokio::runtime::Runtime;

#[path = "../runtime/tests/support/etcd.rs"]
mod server;
mod support;
#[path = "support/tool.rs"]
mod tool;
use server::Etcd;
use support::{expect_text, root};
use tool::{APP, Watch, command, instance, registry, stderr, stdout};

/// An etcd, and a client of its own.
struct Store {
    etcd: Etcd,
    runtime: Runtime,
}

impl Store {
    fn start(test: &str) -> Option<Self> {
        let etcd = Etcd::start(test)?;
        Some(Self { etcd, runtime: Runtime::new().unwrap() })
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
            let keys = KvClient::connect(self.at()).unwrap();
            keys.put(PutRequest { key, value, ..Default::default() }).await.unwrap();
        };
        self.runtime.block_on(put);
    }

    fn delete(&self, key: &str) {
        let key = key.to_owned().into();
        let delete = async {
            let keys = KvClient::connect(self.at()).unwrap();
            keys.delete_range(DeleteRangeRequest { key, ..Default::default() }).await.unwrap();
        };
        self.runtime.block_on(delete);
    }

    fn at(&self) -> String {
        format!("static://{}", self.address())
    }

    /// An instance in every layout, and what else may stand in a store.
    fn fill(&self) {
        for layout in layout::all(&Options::default()) {
            for entry in layout.write(&instance()) {
                self.put(&entry.key, &entry.value);
            }
        }
        let mut fleet = Options::default();
        fleet.root = Some("/fleet".to_owned());
        let other = Instance { weight: 50, id: "orders-2".to_owned(), ..Instance::new(APP, "10.0.0.8:9000") };
        for entry in layout::by_name("kratos", &fleet).unwrap().write(&other) {
            self.put(&entry.key, &entry.value);
        }
        self.put("/microservices/shop.order.orders-admin/b", "garbage");
        self.put("/settings/orders", "{}");
    }
}

/// Everything that is in a store, as a table and as JSON.
#[test]
fn everything_in_etcd_is_listed() {
    let Some(store) = Store::start("registry-ls") else { return };
    assert!(stdout(&registry(&["ls", &store.target()])).ends_with("\n\nno instances\n"));
    store.fill();
    let mut failures = Vec::new();
    let mut expect = |file: &str, arguments: &[&str]| {
        let text = stdout(&registry(arguments)).replace(&store.address(), "127.0.0.1:2379");
        expect_text(&root().join("tests/registry").join(file), &text, &mut failures);
    };
    let target = store.target();
    expect("ls.txt", &["ls", &target]);
    expect("ls.json", &["ls", &format!("{target}/fleet/"), "--as", "json"]);
    expect("kitex.txt", &["ls", &target, "--prefix", "kitex/"]);
    let tri = "/dubbo/com.example.shop.Orders/providers/";
    let key = stdout(&registry(&["get", &target, "com.example.shop.Orders", "--as", "json"]));
    let key: serde_json::Value = serde_json::from_str(&key).unwrap();
    let keys = key["records"].as_array().unwrap().iter().map(|record| record["key"].as_str().unwrap());
    let key = keys.clone().find(|key| key.starts_with(tri)).unwrap().to_owned();
    assert_eq!(keys.count(), 3, "the URL, the mapping and the instance of its app");
    expect("get.txt", &["get", &target, &key]);
    expect("get-service.txt", &["get", &target, "shop.order.orders-admin"]);
    assert!(failures.is_empty(), "{}\n(BLESS=1 renews)", failures.join("\n"));

    let run = registry(&["get", &target, "shop.order.ordres-admin"]);
    assert_eq!(run.status.code(), Some(2), "{}", stderr(&run));
    assert!(stderr(&run).contains("did you mean `shop.order.orders-admin`?"), "{}", stderr(&run));
}

#[test]
fn changes_are_shown_as_they_come() {
    let Some(mut store) = Store::start("registry-watch") else { return };
    store.put("orders.rpc/1", "10.0.0.7:9000");
    store.put("stock.rpc/1", "10.0.0.9:9000");
    let target = store.target();
    let mut watch = Watch::start(&["watch", &target, "orders.rpc"]);
    assert_eq!(watch.line(), "is       go-zero    orders.rpc   10.0.0.7:9000");
    store.put("orders.rpc/2", "10.0.0.8:9000");
    assert_eq!(watch.line(), "new      go-zero    orders.rpc   10.0.0.8:9000");
    store.put("stock.rpc/1", "10.0.0.9:9001");
    store.put("orders.rpc/2", "10.0.0.8:9001");
    assert_eq!(watch.line(), "changed  go-zero    orders.rpc   10.0.0.8:9001");
    store.delete("orders.rpc/1");
    assert_eq!(watch.line(), "gone     go-zero    orders.rpc   10.0.0.7:9000");

    // What changed while the store was away is shown when it is back.
    store.etcd.kill(0);
    store.etcd.resume();
    store.put("orders.rpc/3", "10.0.0.10:9000");
    assert_eq!(watch.line(), "new      go-zero    orders.rpc   10.0.0.10:9000");
    assert_eq!(watch.interrupt(), Some(0));

    let some = ["watch", &target, "--changes", "--count", "1", "--for", "60s", "--as", "json"];
    let mut watch = Watch::start(&some);
    // It may not follow yet.
    let line = (0..100).find_map(|number| {
        store.put("stock.rpc/2", &format!("10.0.0.9:{}", 9100 + number));
        watch.lines.recv_timeout(Duration::from_millis(200)).ok()
    });
    let line: serde_json::Value = serde_json::from_str(&line.expect("a line")).unwrap();
    assert_eq!((&line["key"], &line["layout"]), (&"stock.rpc/2".into(), &"go-zero".into()));
    assert_eq!(watch.child.wait().unwrap().code(), Some(0));
    let none = registry(&["watch", &target, "none", "--count", "1", "--for", "100ms"]);
    assert_eq!((none.status.code(), none.stdout.len()), (Some(1), 0));
    assert_eq!(stdout(&registry(&["watch", &target, "none", "--for", "1s"])), "");
}

/// A user and a password are taken from flags or the environment, and are never shown.
#[test]
fn passwords_are_never_shown() {
    let Some(store) = Store::start("registry-users") else { return };
    store.put("orders.rpc/1", "10.0.0.7:9000");
    for arguments in [
        vec!["user", "add", "root:hunter2"],
        vec!["user", "grant-role", "root", "root"],
        vec!["auth", "enable"],
    ] {
        let done = Command::new("etcdctl")
            .env("ETCDCTL_API", "3")
            .args(["--endpoints", &store.address()])
            .args(arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", stderr(&done));
    }
    let target = store.target();
    let with = |user: &str, password: &str| {
        let mut ls = command(&["ls", &target]);
        ls.env("JOVIAN_REGISTRY_USER", user).env("JOVIAN_REGISTRY_PASSWORD", password).output().unwrap()
    };
    assert!(stdout(&with("root", "hunter2")).contains("10.0.0.7:9000"));
    let flags = registry(&["ls", &target, "--user", "root", "--password", "hunter2"]);
    assert!(stdout(&flags).contains("10.0.0.7:9000"));
    let named = registry(&["ls", &target.replace("//", "//root:hunter2@")]);
    assert!(stdout(&named).starts_with(&format!("{target}\n")) && stdout(&named).contains("10.0.0.7:9000"));
    for run in [with("root", "hunter3"), registry(&["ls", &target])] {
        assert_eq!(run.status.code(), Some(2), "{}", stderr(&run));
        assert!(stderr(&run).contains("refuses"), "{}", stderr(&run));
        assert!(!stderr(&run).contains("hunter"), "{}", stderr(&run));
    }
    let half = registry(&["ls", &target, "--user", "root"]);
    assert_eq!(half.status.code(), Some(2), "{}", stderr(&half));
}

/// A store that asks for certificates is shown one.
#[test]
fn a_store_behind_tls_is_read_by_those_it_knows() {
    let authority = Authority::new();
    let me = authority.issue(Names { common: "me", ..Names::default() });
    let (theirs, mine) = (secret(&authority, &authority.issue(LOCALHOST)), secret(&authority, &me));
    let file = |secret: &Secret, name: &str| secret.path(name).display().to_string();
    let [cert, key, ca] = ["cert.pem", "key.pem", "ca.pem"].map(|name| file(&theirs, name));
    let flags = ["--cert-file", &cert, "--key-file", &key, "--trusted-ca-file", &ca];
    let Some(store) = Etcd::secret("registry-tls", &flags) else { return };
    let target = format!("etcd://{}", store.endpoints().remove(0).replace("127.0.0.1", "localhost"));
    let [cert, key, ca] = ["cert.pem", "key.pem", "ca.pem"].map(|name| file(&mine, name));
    let run = registry(&["ls", &target, "--cacert", &ca, "--cert", &cert, "--key", &key]);
    assert_eq!(stdout(&run), format!("{target}\n\nno instances\n"));
    for arguments in [&["ls", &target][..], &["ls", &target, "--cacert", &ca]] {
        let run = registry(arguments);
        assert_eq!(run.status.code(), Some(2), "{arguments:?}: {}", stderr(&run));
    }
}

#[test]
fn a_store_that_is_not_there_is_named() {
    let run = registry(&["ls", "etcd://127.0.0.1:1"]);
    assert_eq!(run.status.code(), Some(2), "{}", stderr(&run));
    assert!(stderr(&run).contains("error[J0401]: `etcd://127.0.0.1:1` does not answer"), "{}", stderr(&run));
    for wrong in ["127.0.0.1:2379", "etcd://hunter2@127.0.0.1:2379", "consul://root:hunter2@a:1"] {
        let run = registry(&["ls", wrong]);
        assert_eq!(run.status.code(), Some(2), "{}", stderr(&run));
        assert!(!stderr(&run).contains("hunter2"), "{}", stderr(&run));
    }
}

/// The registry of files: instances that live, and nothing else.
#[test]
fn records_of_files_are_shown() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("registry");
    let target = format!("file://{}", folder.display());
    assert_eq!(stdout(&registry(&["ls", &target])), format!("{target}\n\nno instances\n"));

    let runtime = Runtime::new().unwrap();
    let files = FileRegistry::at(&folder);
    let held = runtime.block_on(files.register(instance())).unwrap();
    let text = stdout(&registry(&["ls", &target]));
    let line = "    10.0.0.7:9000   serves shop.orders.v1.Orders, Java com.example.shop.Orders, group blue, \
                version 1.0.0, zone eu-west-1a, app version 1.4.2";
    assert_eq!(text, format!("{target}\n\nfile\n  {APP}\n{line}\n"));
    let text = stdout(&registry(&["get", &target, "shop.orders.v1.Orders"]));
    assert!(text.starts_with("shop.order.orders@10.0.0.7:9000.toml   goes with its process\n"), "{text}");

    let mut watch = Watch::start(&["watch", &target, "--for", "60s", "--count", "2"]);
    assert!(watch.line().starts_with("is       file       shop.order.orders   10.0.0.7:9000   "));
    let second = runtime.block_on(files.register(Instance::new(APP, "10.0.0.8:9000"))).unwrap();
    assert_eq!(watch.line(), "new      file       shop.order.orders   10.0.0.8:9000");
    runtime.block_on(held.deregister()).unwrap();
    assert!(watch.line().starts_with("gone     file       shop.order.orders   10.0.0.7:9000   "));
    assert_eq!(watch.child.wait().unwrap().code(), Some(0));
    drop(second);
}
