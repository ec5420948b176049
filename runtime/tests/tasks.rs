//! Work of the app's own: it begins, hears of the end, and is missed when it fails.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::error::Error;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use jovian_runtime::registry::MemoryRegistry;
use jovian_runtime::{App, AppConfig, AppError};
use support::http::get as page;
use support::{OrdersClient, OrdersServer, Shop, eventually, get, soon};
use tokio::time::sleep;

fn config() -> AppConfig {
    let mut config = AppConfig::default();
    config.server.address = "127.0.0.1:0".to_owned();
    config.server.stop_wait_ms = 0;
    config
}

fn app(config: AppConfig) -> App {
    App::new(config).with_registry(Arc::new(MemoryRegistry::new())).serve(OrdersServer::new(Shop::default()))
}

#[tokio::test]
async fn it_hears_of_the_end_when_the_last_call_has_ended() {
    let diary = Arc::new(Mutex::new(Vec::new()));
    let ended = Arc::clone(&diary);
    let running = app(config())
        .task("writer", |shutdown| async move {
            shutdown.requested().await;
            assert!(shutdown.is_requested());
            sleep(Duration::from_millis(50)).await;
            ended.lock().unwrap().push("the task");
        })
        .start()
        .await
        .unwrap();
    let governor = running.governor().unwrap();
    let tasks = page(governor, "/tasks").await.json();
    assert_eq!((&tasks[0]["name"], &tasks[0]["state"]), (&"writer".into(), &"running".into()));

    let client = OrdersClient::connect(running.address().to_string()).unwrap();
    let stats = running.stats();
    let answered = Arc::clone(&diary);
    let call = tokio::spawn(async move {
        client.get_order(get("nap")).await.unwrap();
        answered.lock().unwrap().push("the call");
    });
    eventually("the handler runs", || stats.in_flight() == 1).await;
    soon(running.stop()).await.unwrap();
    soon(call).await.unwrap();
    assert_eq!(*diary.lock().unwrap(), ["the call", "the task"]);
}

#[tokio::test]
async fn one_that_does_not_listen_is_cut_off() {
    struct Dropped(Arc<AtomicUsize>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    let mut config = config();
    config.app.task_timeout_ms = 100;
    let dropped = Arc::new(AtomicUsize::new(0));
    let guard = Dropped(Arc::clone(&dropped));
    let running = app(config)
        .task("deaf", |_| async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        })
        .start()
        .await
        .unwrap();
    let began = Instant::now();
    soon(running.stop()).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(100));
    assert_eq!(dropped.load(SeqCst), 1);
}

#[tokio::test]
async fn one_that_is_done_is_no_reason_to_stop() {
    let running = app(config()).task("warmer", |_| async {}).start().await.unwrap();
    let governor = running.governor().unwrap();
    while page(governor, "/tasks").await.json()[0]["state"] != "done" {
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(page(governor, "/health/ready").await.status, 200);
    soon(running.stop()).await.unwrap();
}

#[tokio::test]
async fn one_that_fails_or_panics_ends_the_app() {
    let failed = app(config()).task("importer", |_| async { Err::<(), _>("the queue is gone") }).run();
    let error = soon(failed).await.unwrap_err();
    assert!(matches!(&error, AppError::Task { task, .. } if task == "importer"), "{error:?}");
    assert_eq!(error.to_string(), "the task `importer` failed");
    assert_eq!(error.source().unwrap().to_string(), "the queue is gone");

    let rows = Arc::new(AtomicUsize::new(0));
    let work = move |_| async move { assert!(rows.load(SeqCst) > 0, "no such row") };
    let panicked = app(config()).task("importer", work).run();
    let error = soon(panicked).await.unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "it panicked: no such row");
}

#[tokio::test]
async fn the_configuration_may_let_an_app_go_on_without_it() {
    let mut config = config();
    config.app.stop_on_task_failure = false;
    let failing = app(config).task("importer", |_| async { Err::<(), _>("the queue is gone") });
    let running = failing.start().await.unwrap();
    let governor = running.governor().unwrap();
    while page(governor, "/tasks").await.json()[0]["state"] != "failed" {
        sleep(Duration::from_millis(5)).await;
    }
    let client = OrdersClient::connect(running.address().to_string()).unwrap();
    assert_eq!(soon(client.get_order(get("1"))).await.unwrap().id, "1");
    soon(running.stop()).await.unwrap();
}

#[tokio::test]
async fn dropping_the_app_tells_it_too() {
    let told = Arc::new(AtomicUsize::new(0));
    let tells = Arc::clone(&told);
    let running = app(config())
        .task("writer", |shutdown| async move {
            shutdown.requested().await;
            tells.fetch_add(1, SeqCst);
        })
        .start()
        .await
        .unwrap();
    drop(running);
    eventually("it was told", || told.load(SeqCst) == 1).await;
}
