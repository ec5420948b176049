//! Rust in every layout at once, beside a provider of each framework, and beside an app whose name begins alike: consumers
//! find and use both, and nothing that Rust writes hides anybody.

use jovian_runtime::registry::layout;
use serde_json::Value;

use crate::fleet::{Fleet, NAME};
use crate::kratos::WIRE;

async fn side_by_side(test: &str, framework: &'static str, folder: Option<&str>, more: &[&str]) {
    let Some(fleet) = Fleet::start(test, framework) else { return };
    let rust = fleet.serve(&layout::NAMES, None).await;
    let _other = fleet.serve_as(&layout::NAMES, &format!("{NAME}-admin"), None).await;
    let _neighbour = fleet.provide(more).await;
    let report = fleet.consume(&[more, &["-from", "go,rust"]].concat()).await;
    report.has(&WIRE);
    report.has(&["from"]);
    if let Some(folder) = folder {
        same_shape(&fleet, folder, &rust.running.address().to_string()).await;
    }
    rust.running.stop().await.unwrap();
    // Of those that are left nobody is hidden, either.
    fleet.consume(&[more, &["-from", "go"]].concat()).await;
}

/// What Rust writes has the fields that the framework's own provider writes, and no others; each is of the same kind.
async fn same_shape(fleet: &Fleet, folder: &str, rust: &str) {
    let records = fleet.store.records().await;
    let here = records.iter().filter(|(key, _)| key.starts_with(folder));
    let (own, theirs): (Vec<_>, Vec<_>) =
        here.partition(|(key, value)| key.contains(rust) || value.contains(rust));
    let shapes = |records: &[&(String, String)]| -> Vec<Value> {
        // go-zero writes a bare address.
        let read = |value: &str| serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        records.iter().map(|(_, value)| shape(&read(value))).collect()
    };
    let (own, theirs) = (shapes(&own), shapes(&theirs));
    assert_eq!((own.len(), &own), (1, &theirs));
}

/// A value of JSON with its kind in the place of what it says. What an app says of itself is its own.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let own = |name: &str| ["metadata", "tags"].contains(&name);
            let fields = fields.iter().filter(|(name, _)| !own(name));
            fields.map(|(name, value)| (name.clone(), shape(value))).collect()
        }
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "text".into(),
        other => other.clone(),
    }
}

#[tokio::test]
async fn jupiter_uses_both() {
    side_by_side("beside_jupiter", "jupiter", Some("grpc:probe:v1:dev/"), &[]).await;
}

#[tokio::test]
async fn kratos_uses_both() {
    side_by_side("beside_kratos", "kratos", Some("/microservices/probe/"), &[]).await;
}

#[tokio::test]
async fn kitex_uses_both() {
    side_by_side("beside_kitex", "kitex", Some("kitex/registry-etcd/probe/"), &[]).await;
}

#[tokio::test]
async fn go_zero_uses_both() {
    side_by_side("beside_go_zero", "gozero", Some("probe/"), &[]).await;
}

/// By application, which is its default; what Rust writes for it has fields of its own, so shapes are not compared.
#[tokio::test]
async fn dubbo_go_uses_both() {
    side_by_side("beside_dubbo_go", "dubbogo", None, &["-kind", "etcdv3", "-level", "default"]).await;
}
