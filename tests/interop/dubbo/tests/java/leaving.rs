//! Providers in Rust that leave while Java calls them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_core::future::BoxFuture;
use jovian_runtime::registry::{Instance, Instances, Registration, Registry, RegistryError, Wanted};
use jovian_runtime::{App, AppConfig};
use jovian_tests_interop_dubbo::plain;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::fleet::{TTL, config, greeting, in_zookeeper};
use crate::process::{CHILD, Process};
use crate::programs::Java;
use crate::zookeeper::{BOTH, Fleet};

const ENDPOINT: &str = "JOVIAN_TEST_ZOOKEEPER";
const NAME: &str = "JOVIAN_TEST_NAME";

/// Tells the parent when the child can be found.
#[derive(Debug)]
struct Telling(Arc<dyn Registry>);

impl Registry for Telling {
    fn register(&self, instance: Instance) -> BoxFuture<'_, Result<Registration, RegistryError>> {
        let address = instance.address.clone();
        Box::pin(async move {
            let registration = self.0.register(instance).await?;
            #[expect(clippy::print_stdout, reason = "the parent reads it")]
            {
                println!("registers {address} end");
            }
            Ok(registration)
        })
    }

    fn watch(&self, wanted: &Wanted) -> watch::Receiver<Instances> {
        self.0.watch(wanted)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn child_serves() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let of = |name: &str| std::env::var(name).unwrap();
    let registry = Telling(in_zookeeper(&of(ENDPOINT), &BOTH, &of(NAME)));
    let server = plain::GreeterServer::new(greeting(&of(NAME)));
    let mut config = config();
    // As it comes: one second between leaving the registry and leaving the connections.
    config.server.stop_wait_ms = AppConfig::default().server.stop_wait_ms;
    App::new(config).with_registry(Arc::new(registry)).serve(server).run().await.unwrap();
}

fn child(fleet: &Fleet, name: &str) -> Process {
    Process::start("leaving::child_serves", &[(ENDPOINT, &fleet.endpoint()), (NAME, name)])
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_fails_when_rust_is_told_to_leave() {
    let Some(fleet) = Fleet::start("leaves", Java::triple) else { return };
    let (one, _two) = (child(&fleet, "one"), child(&fleet, "two"));
    let load = fleet.refer(&["--checks", "load", "--seconds", "8", "--servers", "one,two"]).await;
    sleep(Duration::from_secs(2)).await;
    one.signal("TERM");
    let report = load.report().await;
    let seen = report.seen("load");
    assert_eq!(seen["failures"], serde_json::json!({}), "{seen}");
    assert!(seen["atTheEnd"].get("one").is_none() && seen["atTheEnd"].get("two").is_some(), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn java_forgets_rust_that_was_killed() {
    let Some(fleet) = Fleet::start("killed", Java::triple) else { return };
    let (one, _two) = (child(&fleet, "one"), child(&fleet, "two"));
    let provider = format!("/services/one/{}", one.address);
    let mut nodes = fleet.nodes();
    assert!(nodes.get(&provider).is_some());
    let patience = (TTL.as_millis() + 3_000).to_string();
    let seconds = (TTL.as_secs() + 7).to_string();
    let arguments =
        ["--checks", "load", "--seconds", &seconds, "--patience", &patience, "--servers", "one,two"];
    let load = fleet.refer(&arguments).await;
    sleep(Duration::from_secs(2)).await;
    one.signal("KILL");
    let killed = Instant::now();
    let report = load.report().await;
    let seen = report.seen("load");
    assert!(seen["atTheEnd"].get("one").is_none() && seen["atTheEnd"].get("two").is_some(), "{seen}");
    assert!(killed.elapsed() > TTL);
    assert!(nodes.get(&provider).is_none(), "it is gone with its session");
}
