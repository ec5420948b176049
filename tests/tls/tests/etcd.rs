//! The registry in an etcd that speaks TLS and asks who calls.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]
#![cfg(unix)]

#[path = "../../../runtime/tests/support/plain.rs"]
mod plain;
#[path = "../../../runtime/tests/support/etcd.rs"]
mod server;

use std::sync::Arc;
use std::time::Duration;

use jovian_runtime::ClientTlsSection;
use jovian_runtime::registry::{EtcdOptions, EtcdRegistry, Instance, Registry as _, Wanted};
use jovian_tests_tls::{Authority, LOCALHOST, Names, Secret, secret};
use plain::Plain;
use server::Etcd;
use tokio::time::timeout;

const APP: &str = "shop.order.orders";

fn registry(endpoint: &str, tls: Option<ClientTlsSection>) -> EtcdRegistry {
    let options = EtcdOptions::at([endpoint], vec![Arc::new(Plain("plain"))]).ttl(Duration::from_secs(2));
    EtcdRegistry::new(match tls {
        Some(tls) => options.tls(tls),
        None => options,
    })
}

/// Registers and looks for it; whether it was found in time.
async fn is_found(registry: &EtcdRegistry) -> bool {
    let Ok(_registered) = registry.register(Instance::new(APP, "10.0.0.7:9000")).await else { return false };
    let mut watched = registry.watch(&Wanted::app(APP));
    timeout(Duration::from_secs(2), watched.wait_for(|list| list.len() == 1)).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_behind_tls_is_one_for_those_it_knows() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let orders = authority.issue(Names { common: "orders", ..Names::default() });
    let (theirs, ours) = (secret(&authority, &authority.issue(LOCALHOST)), secret(&authority, &orders));
    let file = |secret: &Secret, name| secret.path(name).to_str().unwrap().to_owned();
    let [cert, key, ca] = ["cert.pem", "key.pem", "ca.pem"].map(|name| file(&theirs, name));
    let Some(store) =
        Etcd::secret("tls", &["--cert-file", &cert, "--key-file", &key, "--trusted-ca-file", &ca])
    else {
        return;
    };
    let endpoint = store.endpoints().remove(0).replace("127.0.0.1", "localhost");
    let tls = |secret: &Secret| ClientTlsSection {
        ca: Some(secret.path("ca.pem")),
        cert: Some(secret.path("cert.pem")),
        key: Some(secret.path("key.pem")),
        ..ClientTlsSection::default()
    };
    assert!(is_found(&registry(&endpoint, Some(tls(&ours)))).await);
    assert!(is_found(&registry(&format!("https://{endpoint}"), Some(tls(&ours)))).await);

    let other = secret(&authority, &stranger.issue(LOCALHOST));
    assert!(
        !is_found(&registry(&endpoint, Some(tls(&other)))).await,
        "the store knows nobody of that authority"
    );
    let doubtful = secret(&stranger, &orders);
    assert!(!is_found(&registry(&endpoint, Some(tls(&doubtful)))).await, "we do not know the store");
    assert!(!is_found(&registry(&endpoint, None)).await, "nothing is said in the open");
}
