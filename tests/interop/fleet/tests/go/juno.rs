//! juno-agent 0.3.0, which tells Prometheus where processes can be asked for their metrics.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jovian_runtime::registry::Instance;
use tokio::time::sleep;

use crate::fleet::{Fleet, NAME};
use crate::programs::Program;

/// How long a file may take to come or go; the seconds are for slow machines.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until a file says this, or is gone.
async fn says(file: &Path, wanted: Option<&str>) {
    let until = Instant::now() + PATIENCE;
    loop {
        let text = fs::read_to_string(file).ok();
        if text.as_deref() == wanted {
            return;
        }
        assert!(Instant::now() < until, "{}: {text:?}, not {wanted:?}", file.display());
        sleep(Duration::from_millis(20)).await;
    }
}

/// What Prometheus is to be told.
fn target(governor: &str, host: &str) -> String {
    format!("\n- targets:\n    - \"{governor}\"\n  labels:\n    instance: {host}\n    job: {NAME}")
}

/// An instance that tells operators where to ask.
fn instance(address: &str, governor: &str, host: &str) -> Instance {
    let mut instance = Instance::new(NAME, address);
    (instance.governor, instance.host) = (governor.to_owned(), host.to_owned());
    instance
}

#[tokio::test]
async fn prometheus_is_told_of_rust_and_of_jupiter() {
    let Some(fleet) = Fleet::start("juno", "juno") else { return };
    let Some(jupiter) = Program::of("jupiter") else { return };
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("targets");
    let _nothing_there = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let file = |host: &str| folder.join(format!("{NAME}_{host}.yml"));

    let registry = fleet.registry(&["jupiter"], NAME);
    let early = registry.register(instance("10.0.0.7:9000", "10.0.0.7:9001", "web-1")).await.unwrap();
    let _agent = fleet.provide(&["-targets", folder.to_str().unwrap()]).await;
    says(&file("web-1"), Some(&target("10.0.0.7:9001", "web-1"))).await;
    let late = registry.register(instance("10.0.0.8:9000", "10.0.0.8:9001", "web-2")).await.unwrap();
    says(&file("web-2"), Some(&target("10.0.0.8:9001", "web-2"))).await;

    // Jupiter's own, which has the name of this machine.
    let _jupiter = jupiter.provide(&["-registry", &fleet.endpoint(), "-name", NAME]).await;
    let key = format!("/prometheus/job/{NAME}/");
    let is_its = |host: &str| !["web-1", "web-2"].contains(&host);
    let until = Instant::now() + PATIENCE;
    let (host, governor) = loop {
        let records = fleet.store.records().await;
        let mut told = records.iter().filter_map(|(of, told)| Some((of.strip_prefix(&key)?, told)));
        if let Some((host, told)) = told.find(|(host, _)| is_its(host)) {
            break (host.to_owned(), told.clone());
        }
        assert!(Instant::now() < until, "Jupiter has a port for operators");
        sleep(Duration::from_millis(20)).await;
    };
    says(&file(&host), Some(&target(&governor, &host))).await;

    for (registration, host) in [(early, "web-1"), (late, "web-2")] {
        registration.deregister().await.unwrap();
        says(&file(host), None).await;
    }
}
