//! Calls for some time, and what happened meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{Calls, Load, Seen, Until, What};
use crate::process;

const WARM: u8 = 0;
const MEASURED: u8 = 1;
const OVER: u8 = 2;

pub(super) async fn run<C: Calls>(load: &Load) -> anyhow::Result<Seen> {
    let phase = Arc::new(AtomicU8::new(WARM));
    let most = match load.until {
        Until::Calls(calls) => calls,
        Until::Passed(_) => u64::MAX,
    };
    let mut callers = JoinSet::new();
    for _ in 0..load.connections {
        let connection = C::connect(&load.address).await?;
        for _ in 0..load.calls {
            callers.spawn(call(connection.clone(), load.what, Arc::clone(&phase), most));
        }
    }
    let mut before = Costs::default();
    if let Until::Passed(time) = load.until {
        sleep(load.warm).await;
        before = Costs::now(load.server)?;
        phase.store(MEASURED, Relaxed);
        sleep(time).await;
        phase.store(OVER, Relaxed);
    }
    let after = Costs::now(load.server)?;
    let mut latencies = Vec::new();
    while let Some(caller) = callers.join_next().await {
        latencies.extend(caller??);
    }
    latencies.sort_unstable();
    Ok(Seen {
        calls: latencies.len() as u64,
        server: after.server - before.server,
        client: after.client - before.client,
        p50: percentile(&latencies, 0.5),
        p99: percentile(&latencies, 0.99),
        ..Seen::default()
    })
}

/// One call after the other, and how long each of those took that ended while it was measured.
async fn call<C: Calls>(
    mut connection: C,
    what: What,
    phase: Arc<AtomicU8>,
    most: u64,
) -> anyhow::Result<Vec<Duration>> {
    let mut latencies = Vec::with_capacity(1 << 16);
    for _ in 0..most {
        let start = Instant::now();
        match what {
            What::Stream => connection.stream().await?,
            _ => connection.unary().await?,
        }
        match phase.load(Relaxed) {
            MEASURED => latencies.push(start.elapsed()),
            OVER => break,
            _ => {}
        }
    }
    Ok(latencies)
}

#[derive(Default)]
struct Costs {
    server: f64,
    client: f64,
}

impl Costs {
    fn now(server: u32) -> anyhow::Result<Self> {
        Ok(Self { server: process::cpu(server)?, client: process::cpu(std::process::id())? })
    }
}

/// In microseconds.
fn percentile(sorted: &[Duration], share: f64) -> f64 {
    let place = (sorted.len() as f64 * share) as usize;
    sorted.get(place).map_or(0.0, |latency| latency.as_secs_f64() * 1e6)
}
