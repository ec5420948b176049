//! The log of an app: its level while it runs, and what it says of panics and of changes. In processes of their own, because a
//! process has one log.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]
#![cfg(unix)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jovian_runtime::registry::{
    Instance, Instances, NoRegistry, Registration, Registry, RegistryError, Wanted,
};
use jovian_runtime::{App, CallError, Code};
use support::http::{ask, get};
use support::process::{CHILD, Process};
use support::{OrdersClient, OrdersServer, Shop, soon};
use tokio::sync::watch;

/// Tells the parent where the child listens.
#[derive(Debug)]
struct Printing;

impl Registry for Printing {
    #[expect(clippy::print_stdout, reason = "the parent reads it")]
    fn register(&self, instance: Instance) -> BoxFuture<'_, Result<Registration, RegistryError>> {
        println!("registers {} end", instance.address);
        Box::pin(async { NoRegistry.register(instance).await })
    }

    fn watch(&self, wanted: &Wanted) -> watch::Receiver<Instances> {
        NoRegistry.watch(wanted)
    }
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the parent reads it")]
async fn child_runs_an_app() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    std::panic::set_hook(Box::new(|_| println!("the hook that was there before")));
    let app = App::from_config().unwrap().with_registry(Arc::new(Printing));
    let app = app.task("chatter", |shutdown| async move {
        while !shutdown.is_requested() {
            tracing::info!("chatter at info");
            tracing::debug!("chatter at debug");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    app.serve(OrdersServer::new(Shop::default())).run().await.unwrap();
}

fn start(environment: &[(&str, &str)]) -> Process {
    Process::start("child_runs_an_app", environment)
}

/// Ends it and reads to its end.
fn end(process: Process) -> Vec<String> {
    process.signal("TERM");
    process.output()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_changes_the_level_for_a_time() {
    let process = start(&[]);
    let governor = process.governor().parse().unwrap();
    let now = get(governor, "/log").await.json();
    assert_eq!((&now["level"], &now["configured"]), (&"info".into(), &"info".into()));

    let put = ask(governor, "PUT", "/log", r#"{"level": "debug", "seconds": 1}"#).await;
    assert_eq!((put.status, &put.json()["level"]), (200, &"debug".into()), "{put:?}");
    process.line_with(&["chatter at debug"]);
    process.line_with(&["the log level has changed", r#""now":"info""#]);
    assert_eq!(get(governor, "/log").await.json()["level"], "info", "the time is over");

    ask(governor, "PUT", "/log", r#"{"level": "log=debug"}"#).await;
    process.line_with(&["chatter at debug"]);
    assert_eq!(get(governor, "/log").await.json()["seconds_left"], serde_json::Value::Null);
    let back = ask(governor, "DELETE", "/log", "").await;
    assert_eq!((back.status, &back.json()["level"]), (200, &"info".into()));

    for (body, why) in [
        (r#"{"level": "loud"}"#, "`loud` is no log level"),
        (r#"{"level": "debug", "minutes": 1}"#, "unknown field `minutes`"),
        (r#"{"seconds": 1}"#, "missing field `level`"),
        ("debug", r#"expected {"level": "debug", "seconds": 600}"#),
    ] {
        let refused = ask(governor, "PUT", "/log", body).await;
        assert_eq!(refused.status, 400, "{body}");
        assert!(refused.body.contains(why), "{body}: {}", refused.body);
    }
    assert_eq!(get(governor, "/log").await.json()["level"], "info", "what was refused changed nothing");
    let lines = end(process);
    let back = lines.iter().rposition(|line| line.contains("the log level has changed")).unwrap();
    assert!(!lines[back..].iter().any(|line| line.contains("at debug")), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_changes_the_level_and_names_what_has_to_wait_once() {
    let directory = std::env::temp_dir().join(format!("jovian-log-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("app.toml");
    std::fs::write(&file, "[log]\nlevel = 'info'\n").unwrap();
    let process = start(&[("JOVIAN_CONFIG", file.to_str().unwrap())]);

    std::fs::write(&file, "[log]\nlevel = 'debug'\n[server]\ndrain_timeout_ms = 7\n").unwrap();
    process.line_with(&["the configuration has changed", r#""keys":"log.level""#]);
    process.line_with(&["changed, takes effect at the next start", r#""keys":"server.drain_timeout_ms""#]);
    process.line_with(&["chatter at debug"]);

    std::fs::write(&file, "[log]\nlevel = 'warn'\n[sever]\n").unwrap();
    let wrong = process.line_with(&["the new configuration is wrong; the old one stays"]);
    assert!(wrong.contains("app.toml:3:2: unknown section `sever`"), "{wrong}");

    std::fs::write(&file, "[log]\nlevel = 'info'\n[server]\ndrain_timeout_ms = 7\n").unwrap();
    process.line_with(&["the configuration has changed", r#""keys":"log.level""#]);
    let lines = end(process);
    assert!(!lines.iter().any(|line| line.contains("next start")), "it was said before: {lines:?}");
    std::fs::remove_dir_all(&directory).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_logged_with_its_method_and_its_backtrace() {
    // As if nobody had set it; CI may have.
    let process = start(&[("RUST_BACKTRACE", ""), ("RUST_LIB_BACKTRACE", "")]);
    let client = OrdersClient::connect(&process.address).unwrap();
    match soon(client.get_order(support::get("panic"))).await {
        Err(CallError::Status(status)) => assert_eq!(status.code(), Code::Internal),
        other => panic!("{other:?}"),
    }
    let line = process.line_with(&[r#""message":"panic""#]);
    for part in [
        r#""method":"/shop.orders.v1.Orders/GetOrder""#,
        r#""panic":"a secret""#,
        "support/mod.rs",
        r#""backtrace":""#,
        // Whoever called the handler is further down.
        "support/generated.rs",
    ] {
        assert!(line.contains(part), "no {part} in {line}");
    }
    process.line_with(&["the hook that was there before"]);
    end(process);
}
