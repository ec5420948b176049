//! The configuration of an app that runs follows its file.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jovian_runtime::registry::MemoryRegistry;
use jovian_runtime::{App, AppConfig, CallError, Code, Running};
use serde::Deserialize;
use serde_json::Value;
use support::http::get;
use support::{OrdersClient, OrdersServer, Shop, soon};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

#[derive(Debug, Deserialize, PartialEq)]
struct Settings {
    warehouse: String,
}

/// An app whose configuration is a file of this test's own.
struct Following {
    directory: PathBuf,
    file: PathBuf,
    settings: watch::Receiver<Arc<Settings>>,
    running: Running,
}

impl Following {
    async fn start(name: &str, place: impl FnOnce(&Path) -> PathBuf) -> Self {
        let directory = std::env::temp_dir().join(format!("jovian-live-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        let file = place(&directory);
        let flags = ["--config".into(), file.clone().into(), "--set".into(), "server.stop_wait_ms=0".into()];
        let config = AppConfig::from_args(flags).unwrap_or_else(|error| panic!("{error}"));
        let mut app = App::new(config).with_registry(Arc::new(MemoryRegistry::new()));
        let settings = app.watch::<Settings>().unwrap();
        let running = app.serve(OrdersServer::new(Shop::default())).start().await.unwrap();
        Self { directory, file, settings, running }
    }

    fn governor(&self) -> SocketAddr {
        self.running.governor().unwrap()
    }

    async fn shown(&self, key: &str) -> Value {
        get(self.governor(), "/config").await.json()[key].take()
    }

    /// The warehouse, as soon as it is another.
    async fn next(&mut self) -> String {
        soon(self.settings.changed()).await.unwrap();
        self.settings.borrow_and_update().warehouse.clone()
    }

    /// Whether nothing comes for longer than a change takes.
    async fn is_quiet(&mut self) -> bool {
        timeout(Duration::from_millis(1800), self.settings.changed()).await.is_err()
    }

    async fn end(self) {
        soon(self.running.stop()).await.unwrap();
        fs::remove_dir_all(self.directory).unwrap();
    }
}

fn text(warehouse: &str, more: &str) -> String {
    format!("server.address = '127.0.0.1:0'\ncustom.warehouse = '{warehouse}'\n{more}\n")
}

fn app_toml(directory: &Path) -> PathBuf {
    let file = directory.join("app.toml");
    fs::write(&file, text("north", "")).unwrap();
    file
}

#[tokio::test]
async fn what_is_hot_is_taken_over_and_what_is_cold_waits() {
    let mut app = Following::start("hot", app_toml).await;
    assert_eq!(app.settings.borrow().warehouse, "north");
    assert_eq!(app.shown("custom.warehouse").await["hot"], true);

    fs::write(&app.file, text("south", "log.level = 'warn'\nserver.drain_timeout_ms = 7")).unwrap();
    assert_eq!(app.next().await, "south");
    let level = app.shown("log.level").await;
    assert_eq!((&level["value"], &level["hot"]), (&"warn".into(), &true.into()));
    let drain = app.shown("server.drain_timeout_ms").await;
    assert_eq!((&drain["value"], &drain["hot"]), (&10_000.into(), &false.into()));
    assert_eq!(drain["at_next_start"], 7);

    // Whoever takes a change back waits for nothing.
    fs::write(&app.file, text("east", "")).unwrap();
    assert_eq!(app.next().await, "east");
    assert_eq!(app.shown("server.drain_timeout_ms").await["at_next_start"], Value::Null);
    assert_eq!(app.shown("log.level").await["value"], "info");
    app.end().await;
}

#[tokio::test]
async fn a_file_that_is_wrong_anywhere_changes_nothing() {
    let mut app = Following::start("wrong", app_toml).await;
    for wrong in [
        text("south", "custom.wharf = 1"),
        text("south", "sever.address = 'x'"),
        text("south", "log.level = 'loud'"),
        "custom.warehouse = 'so".to_owned(),
        // What is written while it is read is no better.
        String::new(),
    ] {
        fs::write(&app.file, &wrong).unwrap();
        assert!(app.is_quiet().await, "{wrong}");
        assert_eq!(app.settings.borrow().warehouse, "north");
    }
    fs::remove_file(&app.file).unwrap();
    assert!(app.is_quiet().await, "a file that is gone says nothing");
    fs::write(&app.file, text("west", "")).unwrap();
    assert_eq!(app.next().await, "west");
    app.end().await;
}

#[tokio::test]
async fn what_holds_for_calls_changes_with_the_file() {
    let mut app = Following::start("policy", app_toml).await;
    let client = OrdersClient::connect(app.running.address().to_string()).unwrap();
    assert!(soon(client.get_order(support::get("nap"))).await.is_ok());

    let method = r#"server.methods."shop.orders.v1.Orders/GetOrder".timeout_ms"#;
    fs::write(&app.file, text("south", &format!("{method} = 20"))).unwrap();
    assert_eq!(app.next().await, "south");
    match soon(client.get_order(support::get("nap"))).await {
        Err(CallError::Status(status)) => assert_eq!(status.code(), Code::DeadlineExceeded),
        other => panic!("{other:?}"),
    }
    assert_eq!(app.shown(method).await["hot"], true);
    let routes = get(app.governor(), "/routes").await.json();
    assert_eq!(routes[0]["methods"][0]["policy"]["timeout_ms"], 20);

    // One that is not there makes the whole file wrong.
    fs::write(&app.file, text("east", r#"server.methods."shop.orders.v1.Orders/Got".timeout_ms = 20"#))
        .unwrap();
    assert!(app.is_quiet().await);
    app.end().await;
}

/// As Kubernetes does it: the file is a link through a link, and the middle one is exchanged.
#[cfg(unix)]
#[tokio::test]
async fn a_link_that_is_exchanged_is_a_change() {
    use std::os::unix::fs::symlink;

    let version = |directory: &Path, name: &str, warehouse: &str| {
        fs::create_dir(directory.join(name)).unwrap();
        fs::write(directory.join(name).join("app.toml"), text(warehouse, "")).unwrap();
    };
    let place = |directory: &Path| {
        version(directory, "..1", "north");
        symlink("..1", directory.join("..data")).unwrap();
        symlink("..data/app.toml", directory.join("app.toml")).unwrap();
        directory.join("app.toml")
    };
    let mut app = Following::start("link", place).await;
    version(&app.directory, "..2", "south");
    symlink("..2", app.directory.join("..tmp")).unwrap();
    fs::rename(app.directory.join("..tmp"), app.directory.join("..data")).unwrap();
    fs::remove_dir_all(app.directory.join("..1")).unwrap();
    assert_eq!(app.next().await, "south");
    app.end().await;
}

#[tokio::test]
async fn what_other_places_say_stays_above_the_file() {
    let mut app = Following::start("above", app_toml).await;
    fs::write(&app.file, text("south", "server.stop_wait_ms = 5000")).unwrap();
    assert_eq!(app.next().await, "south");
    let wait = app.shown("server.stop_wait_ms").await;
    assert_eq!((&wait["value"], &wait["from"]), (&0.into(), &"flag --set server.stop_wait_ms".into()));
    assert_eq!(wait["at_next_start"], Value::Null);
    app.end().await;
}

#[tokio::test]
async fn it_does_not_follow_if_it_is_not_to() {
    let mut app = Following::start("still", |directory| {
        let file = directory.join("app.toml");
        fs::write(&file, text("north", "app.watch_config = false")).unwrap();
        file
    })
    .await;
    fs::write(&app.file, text("south", "")).unwrap();
    // Longer than a change takes.
    sleep(Duration::from_millis(1800)).await;
    assert!(!app.settings.has_changed().unwrap_or(false));
    assert_eq!(app.settings.borrow_and_update().warehouse, "north");
    app.end().await;
}
