//! A process that follows services with the runtime, as a client of them does.

use std::io::BufRead as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use anyhow::Context as _;
use jovian_runtime::registry::layout::{self, Options, StoreKind};
use jovian_runtime::registry::{EtcdOptions, EtcdRegistry, Instances, Registry as _, Wanted};
use tokio::sync::watch;

use super::fleet::{app, probe};
use super::now;

/// The first argument of such a process; then come the layout, the store, and how many services and watchers there are.
pub(crate) const WATCH: &str = "watch";

/// How many instances each watcher knows, and how many of them have seen each probe.
struct Known {
    counts: Vec<AtomicU32>,
    seen: Vec<AtomicU32>,
    /// How many watchers there are of the service that probes are of.
    watchers: u32,
}

/// Follows until its standard input ends.
pub(crate) fn main(arguments: &[String]) -> anyhow::Result<()> {
    let [layout, endpoint, services, watchers] = arguments else {
        anyhow::bail!("a layout, a store, services and watchers are missing");
    };
    let (services, watchers): (u32, u32) = (services.parse()?, watchers.parse()?);
    let runtime = tokio::runtime::Runtime::new()?;
    let _inside = runtime.enter();
    let open = || -> anyhow::Result<EtcdRegistry> {
        let layout = layout::by_name(layout, &Options::of(StoreKind::Etcd)).context("no such layout")?;
        Ok(EtcdRegistry::new(EtcdOptions::at([endpoint], vec![layout])))
    };
    // Clients of one process share a registry; more watchers than services are as many processes.
    let shared = open()?;
    let known = Arc::new(Known {
        counts: (0..watchers).map(|_| AtomicU32::new(0)).collect(),
        seen: (0..1_000).map(|_| AtomicU32::new(0)).collect(),
        watchers: watchers / services,
    });
    for watcher in 0..watchers {
        let registry = if watchers > services { open()? } else { shared.clone() };
        let service = watcher % services;
        let list = registry.watch(&Wanted::app(app(service)));
        runtime.spawn(follow(registry, list, Arc::clone(&known), watcher, service == 0));
    }
    for line in std::io::stdin().lock().lines() {
        if line? == "count" {
            let count: u32 = known.counts.iter().map(|count| count.load(SeqCst)).sum();
            println!("count {count}");
        }
    }
    Ok(())
}

/// Keeps the registry, whose lists end with it.
async fn follow(
    registry: EtcdRegistry,
    mut list: watch::Receiver<Instances>,
    known: Arc<Known>,
    watcher: u32,
    is_probed: bool,
) -> anyhow::Result<()> {
    let mut next = 0;
    while list.changed().await.is_ok() {
        let instances = list.borrow_and_update().clone();
        known.counts[watcher as usize].store(u32::try_from(instances.len())?, SeqCst);
        while is_probed && instances.iter().any(|instance| instance.address == probe(next)) {
            // The last of all watchers says it.
            if known.seen[next as usize].fetch_add(1, SeqCst) + 1 == known.watchers {
                println!("probe {next} {}", now()?.as_nanos());
            }
            next += 1;
        }
    }
    drop(registry);
    Ok(())
}
