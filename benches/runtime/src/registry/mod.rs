//! What a large registry costs whoever follows it.
//!
//! In: a real etcd, in which thousands of instances come and go. Out: how soon a change is known, and what a process pays
//! for the lists that it keeps, against the resolvers of Kratos and of go-zero over the same records.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;

use crate::arguments::Arguments;
use crate::process;
use crate::report::{Row, Target, Unit};

mod etcd;
mod fleet;
mod watch;
mod watcher;

use etcd::Etcd;
use fleet::{Fleet, Writer};
pub(crate) use watch::{WATCH, main};
use watcher::{Contender, Watcher, contenders};

const PART: &str = "registry";

/// What was seen of one watcher.
struct Seen {
    /// From the write of a record to the list that has it, in microseconds, sorted.
    latencies: Vec<f64>,
    /// Memory that it does not share, in bytes.
    memory: f64,
    /// CPU time while every instance was replaced, in milliseconds.
    churn: f64,
}

/// One service with very many instances, and very many services with a few, in each form of records that a peer reads.
pub(crate) fn measure(arguments: &Arguments) -> anyhow::Result<Vec<Row>> {
    if !Etcd::is_here() {
        eprintln!("skipped: registry needs `etcd`");
        return Ok(Vec::new());
    }
    let scale = if arguments.quick { 10 } else { 1 };
    let mut rows = Vec::new();
    for (layout, peer) in contenders()? {
        let one = Fleet::new(layout, 1, 10_000 / scale);
        let many = Fleet::new(layout, 1_000 / scale, 10);
        for fleet in [one, many] {
            rows.extend(compared(arguments, &fleet, &peer)?);
        }
    }
    rows.extend(crowd(arguments, scale)?);
    Ok(rows)
}

/// Ours beside a peer, and the peer a second time as the noise.
fn compared(arguments: &Arguments, fleet: &Fleet, peer: &Contender) -> anyhow::Result<Vec<Row>> {
    let etcd = Etcd::start()?;
    let writer = Writer::new(&etcd.endpoint)?;
    writer.write(fleet)?;
    let theirs = seen(arguments, &etcd, &writer, fleet, peer)?;
    let ours = seen(arguments, &etcd, &writer, fleet, &Contender::ours(fleet.layout)?)?;
    let again = seen(arguments, &etcd, &writer, fleet, peer)?;
    let mut rows = Vec::new();
    for (who, seen) in [("ours".to_owned(), ours), (format!("noise: {} against itself", peer.name), again)] {
        let mut row = |what: &str, figure: &dyn Fn(&Seen) -> f64, unit| {
            let sides = (figure(&seen), figure(&theirs));
            rows.push(Row::new(PART, format!("{who}, {fleet}: {what}"), sides, unit, Target::None));
        };
        row("a change is known, p50", &|seen| share(&seen.latencies, 0.5), Unit::Microseconds);
        row("a change is known, p99", &|seen| share(&seen.latencies, 0.99), Unit::Microseconds);
        row("memory", &|seen| seen.memory, Unit::Bytes);
        row("CPU time while all are replaced", &|seen| seen.churn, Unit::Milliseconds);
    }
    Ok(rows)
}

/// Lets one process follow all of the fleet, adds instances one by one, and replaces all of them.
fn seen(
    arguments: &Arguments,
    etcd: &Etcd,
    writer: &Writer,
    fleet: &Fleet,
    contender: &Contender,
) -> anyhow::Result<Seen> {
    let command = contender.watching(&etcd.endpoint, fleet.services, fleet.services);
    let mut watcher = Watcher::start(&command, &arguments.cores.measured)?;
    watcher.until(fleet.size())?;
    let memory = process::resident(watcher.pid())?;
    let mut latencies = Vec::new();
    for probe in 0..if arguments.quick { 30 } else { 300 } {
        latencies.push(appears(writer, fleet, &watcher, probe)?);
        // Neither in step with what gathers changes, nor faster than it.
        std::thread::sleep(Duration::from_micros(10_000 + u64::from(probe) * 37 % 10_000));
    }
    latencies.sort_by(f64::total_cmp);
    let before = process::cpu(watcher.pid())?;
    writer.replace(fleet)?;
    writer.clear_probes(fleet)?;
    watcher.until(fleet.size())?;
    // What comes after the last list is part of the price.
    std::thread::sleep(Duration::from_secs(1));
    let churn = (process::cpu(watcher.pid())? - before) * 1e3;
    Ok(Seen { latencies, memory, churn })
}

/// How long it takes until a new instance is in the list, in microseconds.
fn appears(writer: &Writer, fleet: &Fleet, watcher: &Watcher, probe: u32) -> anyhow::Result<f64> {
    let before = now()?;
    writer.probe(fleet, probe)?;
    Ok((watcher.seen(probe)? - before).as_secs_f64() * 1e6)
}

/// 1,000 registries that follow one service, each with connections of its own, as 1,000 processes would have.
fn crowd(arguments: &Arguments, scale: u32) -> anyhow::Result<Vec<Row>> {
    let (watchers, fleet) = (1_000 / scale, Fleet::new("jupiter", 1, 100));
    let etcd = Etcd::start()?;
    let writer = Writer::new(&etcd.endpoint)?;
    writer.write(&fleet)?;
    let mut sides = Vec::new();
    for watchers in [watchers, 1] {
        let command = Contender::ours(fleet.layout)?.watching(&etcd.endpoint, 1, watchers);
        let mut watcher = Watcher::start(&command, &arguments.cores.measured)?;
        watcher.until(fleet.size() * watchers)?;
        let mut latencies = Vec::new();
        for probe in 0..20 {
            latencies.push(appears(&writer, &fleet, &watcher, probe)?);
        }
        latencies.sort_by(f64::total_cmp);
        sides.push((share(&latencies, 0.5), process::resident(watcher.pid())?));
        writer.clear_probes(&fleet)?;
    }
    let [(all, memory), (one, alone)] = sides[..] else { return Ok(Vec::new()) };
    let name = format!("ours, {watchers} watchers of 100 instances, against one");
    Ok(vec![
        Row::new(
            PART,
            format!("{name}: a change is known by all, p50"),
            (all, one),
            Unit::Microseconds,
            Target::None,
        ),
        Row::new(PART, format!("{name}: memory"), (memory, alone), Unit::Bytes, Target::None),
    ])
}

/// The time, in a clock that all processes of a machine share.
fn now() -> anyhow::Result<Duration> {
    SystemTime::now().duration_since(UNIX_EPOCH).context("a clock before 1970")
}

/// The value below which a share of all is.
fn share(sorted: &[f64], share: f64) -> f64 {
    let place = (sorted.len() as f64 * share) as usize;
    sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}
