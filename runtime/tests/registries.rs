//! Several registries at once: an app is found in all of them, and finds others in all of them.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]
#![cfg(unix)]

#[cfg(feature = "etcd")]
#[path = "support/etcd.rs"]
mod server;
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jovian_runtime::registry::{
    FileRegistry, Instance, Instances, MemoryRegistry, Registries, Registry, Wanted,
};
use jovian_runtime::{App, AppConfig};
use support::{OrdersClient, OrdersServer, Shop, get, soon};
use tokio::sync::watch;
use tokio::time::timeout;

const APP: &str = "shop.order.orders";

/// A folder of a test, in the target folder, where no other test is.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("registries").join(name);
    let _nothing_there = fs::remove_dir_all(&path);
    path
}

/// A registry that refuses everything: its folder is a file.
fn closed(name: &str) -> PathBuf {
    let path = folder(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let _nothing_there = fs::remove_file(&path);
    fs::write(&path, "").unwrap();
    path
}

fn ids(instances: &[Arc<Instance>]) -> Vec<&str> {
    instances.iter().map(|instance| instance.id.as_str()).collect()
}

async fn becomes(watched: &mut watch::Receiver<Instances>, expected: &[&str]) {
    let waiting = watched.wait_for(|list| ids(list) == expected);
    let found = timeout(Duration::from_secs(20), waiting).await.map(|list| list.map(drop));
    assert!(found.is_ok(), "{:?} never became {expected:?}", ids(&watched.borrow()));
}

fn shared<const N: usize>(all: [&(impl Registry + Clone); N]) -> Registries {
    Registries::new(all.map(|one| Arc::new(one.clone()) as Arc<dyn Registry>))
}

#[tokio::test]
async fn a_list_has_the_instances_of_all_and_the_first_registry_counts() {
    let (one, two) = (MemoryRegistry::new(), MemoryRegistry::new());
    let several = shared([&one, &two]);
    let mut watched = several.watch(&Wanted::app(APP));
    let versioned =
        |version: &str| Instance { version: version.to_owned(), ..Instance::new(APP, "10.0.0.2:1") };
    let _second = two.register(versioned("two")).await.unwrap();
    let _other = two.register(Instance::new(APP, "10.0.0.1:1")).await.unwrap();
    becomes(&mut watched, &["10.0.0.1:1", "10.0.0.2:1"]).await;
    assert_eq!(watched.borrow()[1].version, "two");

    let first = one.register(versioned("one")).await.unwrap();
    soon(watched.wait_for(|list| list[1].version == "one")).await.unwrap();
    assert_eq!(several.watch(&Wanted::app(APP)).borrow().len(), 2, "who comes later sees those of now");
    first.deregister().await.unwrap();
    soon(watched.wait_for(|list| list[1].version == "two")).await.unwrap();
    assert!(several.watch(&Wanted::app("shop.stock")).borrow().is_empty());
}

#[tokio::test]
async fn an_instance_is_in_all_and_leaves_all() {
    let (one, two) = (MemoryRegistry::new(), MemoryRegistry::new());
    let registration = shared([&one, &two]).register(Instance::new(APP, "10.0.0.1:1")).await.unwrap();
    assert!(registration.is_held());
    let watched = [one.watch(&Wanted::app(APP)), two.watch(&Wanted::app(APP))];
    assert!(watched.iter().all(|list| ids(&list.borrow()) == ["10.0.0.1:1"]));
    registration.deregister().await.unwrap();
    assert!(watched.iter().all(|list| list.borrow().is_empty()));
}

#[tokio::test]
async fn one_that_refuses_keeps_nobody_out_of_the_others() {
    let memory = MemoryRegistry::new();
    let refusing = || Arc::new(FileRegistry::at(closed("refusing"))) as Arc<dyn Registry>;
    let several = Registries::new([refusing(), Arc::new(memory.clone())]);
    let registration = several.register(Instance::new(APP, "10.0.0.1:1")).await.unwrap();
    assert!(!registration.is_held(), "one is missing");
    assert_eq!(memory.watch(&Wanted::app(APP)).borrow().len(), 1);
    becomes(&mut several.watch(&Wanted::app(APP)), &["10.0.0.1:1"]).await;

    let error = Registries::new([refusing()]).register(Instance::new(APP, "10.0.0.1:1")).await.unwrap_err();
    assert!(error.to_string().contains("cannot keep a record"), "{error}");
}

/// A configuration of an app at any port, with these registries.
fn config(registries: &str) -> AppConfig {
    let text = format!(
        "[server]\naddress = \"127.0.0.1:0\"\nstop_wait_ms = 0\n[governor]\nenabled = false\n{registries}"
    );
    AppConfig::parse("app.toml", &text, []).unwrap_or_else(|error| panic!("{error}"))
}

async fn started(registries: &str) -> jovian_runtime::Running {
    App::new(config(registries)).serve(OrdersServer::new(Shop::default())).start().await.unwrap()
}

async fn is_called(registries: &str) -> bool {
    let client = OrdersClient::find(App::new(config(registries)).registry().as_ref()).unwrap();
    soon(client.get_order(get("1"))).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_is_in_each_registry_with_what_is_said_there() {
    let (own, old, closed) = (folder("own"), folder("old"), closed("closed"));
    let [own_, old_, closed_] = [&own, &old, &closed].map(|path| path.display());
    let running = started(&format!(
        "[registry]\nkind = \"file\"\npath = \"{own_}\"\nadvertise = \"127.0.0.1\"\n\
         [registries.old]\nkind = \"file\"\npath = \"{old_}\"\nadvertise = \"orders.internal:80\"\nweight = 7\n\
         [registries.closed]\nkind = \"file\"\npath = \"{closed_}\"\n\
         [registries.other]\nkind = \"file\"\npath = \"{own_}-other\"\nregister = false\n"
    ))
    .await;
    let one = |path: &Path| {
        let mut watched = FileRegistry::at(path).watch(&Wanted::app(APP));
        async move { soon(watched.wait_for(|list| list.len() == 1)).await.unwrap()[0].clone() }
    };
    let (in_own, in_old) = (one(&own).await, one(&old).await);
    assert_eq!((in_own.address.clone(), in_own.weight), (running.address().to_string(), 100));
    assert_eq!((in_old.address.as_str(), in_old.weight), ("orders.internal:80", 7));
    assert!(!Path::new(&format!("{own_}-other")).exists());

    let elsewhere = "[registry]\nkind = \"none\"\n";
    let more = |discover: bool| {
        format!("{elsewhere}[registries.own]\nkind = \"file\"\npath = \"{own_}\"\ndiscover = {discover}\n")
    };
    assert!(is_called(&more(true)).await);
    assert!(!is_called(&more(false)).await);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn an_app_that_is_refused_everywhere_does_not_start() {
    let closed = closed("everywhere");
    let text = format!("[registry]\nkind = \"file\"\npath = \"{}\"\n", closed.display());
    let app = App::new(config(&text)).serve(OrdersServer::new(Shop::default()));
    let error = app.start().await.unwrap_err().to_string();
    assert_eq!(error, "cannot register the app `shop.order.orders`");
}

#[cfg(feature = "etcd")]
mod etcd {
    use super::server::Etcd;
    use super::*;
    use jovian_runtime::RegistrySection;
    use jovian_runtime::etcd_api::etcdserverpb::{KvClient, RangeRequest};
    use jovian_runtime::registry::open;

    fn section(store: &Etcd) -> RegistrySection {
        let text = format!(
            "[registry]\nkind = \"etcd\"\nendpoints = {:?}\nttl_ms = 2000\nlayouts = [\"kratos\"]\n",
            store.endpoints()
        );
        config(&text).registry
    }

    #[tokio::test]
    async fn one_that_is_away_keeps_its_part_of_the_list() {
        let Some(mut store) = Etcd::start("several") else { return };
        let (memory, etcd) = (MemoryRegistry::new(), open(&section(&store)).unwrap());
        let several = Registries::new([Arc::new(memory.clone()) as Arc<dyn Registry>, Arc::clone(&etcd)]);
        let _stored = etcd.register(Instance::new(APP, "10.0.0.2:1")).await.unwrap();
        let mut watched = several.watch(&Wanted::app(APP));
        becomes(&mut watched, &["10.0.0.2:1"]).await;
        store.kill(0);
        let _more = memory.register(Instance::new(APP, "10.0.0.1:1")).await.unwrap();
        becomes(&mut watched, &["10.0.0.1:1", "10.0.0.2:1"]).await;

        let registration = several.register(Instance::new(APP, "10.0.0.3:1")).await.unwrap();
        assert!(!registration.is_held(), "etcd is away");
        becomes(&mut watched, &["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"]).await;
        store.resume();
        support::eventually("both hold it", || registration.is_held()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_chosen_of_a_layout_is_in_its_keys() {
        let Some(store) = Etcd::start("options") else { return };
        let running = started(&format!(
            "[registry]\nkind = \"none\"\n[registries.fleet]\nkind = \"etcd\"\nendpoints = {:?}\n\
             layouts = [\"jupiter\", \"kratos\"]\n\
             options.jupiter = {{ mode = \"live\", names = {{ \"{APP}\" = \"orders\" }} }}\n\
             options.kratos = {{ root = \"/fleet\" }}\n",
            store.endpoints()
        ))
        .await;
        let keys = KvClient::connect(format!("static://{}", store.endpoints().join(","))).unwrap();
        let everything = bytes::Bytes::from_static(&[0]);
        let request = RangeRequest { key: everything.clone(), range_end: everything, ..Default::default() };
        let found = keys.range(request).await.unwrap().kvs;
        let found: Vec<_> = found.iter().map(|kv| String::from_utf8(kv.key.to_vec()).unwrap()).collect();
        let address = running.address().to_string();
        let expected = [format!("/fleet/{APP}/{address}"), format!("grpc:orders:v1:live/{address}")];
        assert_eq!(found, expected);
        running.stop().await.unwrap();
    }
}
