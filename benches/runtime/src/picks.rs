//! What it costs to choose where a call goes, among few and among very many.
//!
//! In: the balancers. Out: choices per second of CPU time, among 10,000 instances against among 10, and the time in which a list of
//! them is made ready for choices. No connection is made.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use jovian_runtime::fuzzing::{lists, picks};
use jovian_runtime::registry::Instance;
use jovian_runtime::{Balancer, BalancingSection};

use crate::arguments::Arguments;
use crate::process;
use crate::report::{Row, Target, Unit};

const PART: &str = "picks";
const FEW: u32 = 10;
const MANY: u32 = 10_000;
/// The number of choices between two looks at the clock.
const BATCH: u64 = 20_000;

/// Every balancer, and the usual one with a part of the list.
pub(crate) fn measure(arguments: &Arguments) -> anyhow::Result<Vec<Row>> {
    let by = |balancer| BalancingSection { balancer: Some(balancer), ..BalancingSection::default() };
    let part = BalancingSection { subset_size: Some(20), ..by(Balancer::P2c) };
    let contenders = [
        ("p2c", by(Balancer::P2c)),
        ("p2c in subsets of 20", part),
        ("round-robin", by(Balancer::RoundRobin)),
        ("least-request", by(Balancer::LeastRequest)),
        ("consistent-hash", by(Balancer::ConsistentHash)),
    ];
    let window = Duration::from_millis(if arguments.quick { 100 } else { 1_000 });
    let mut rows = Vec::new();
    for (name, section) in contenders {
        let (few, many) = (chooser(FEW, &section)?, chooser(MANY, &section)?);
        let mut rates = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..5 {
            for (rates, chooser) in rates.iter_mut().zip([&few, &many, &few]) {
                rates.push(rate(chooser, window)?);
            }
        }
        let [first, among_many, again] = rates.map(median);
        let mut row = |what: String, figure| {
            rows.push(Row::new(PART, what, (figure, first), Unit::CallsPerSecond, Target::None));
        };
        row(
            format!("{name}: choices per CPU-second, among {MANY} instances against among {FEW}"),
            among_many,
        );
        row(format!("noise, {name}: among {FEW} against itself"), again);
        rows.push(Row::new(
            PART,
            format!("{name}: one of {MANY} instances changed, against one of {FEW}"),
            (ready(MANY, &section)?, ready(FEW, &section)?),
            Unit::Microseconds,
            Target::None,
        ));
    }
    Ok(rows)
}

fn chooser(count: u32, section: &BalancingSection) -> anyhow::Result<impl Fn(u64) -> bool + use<>> {
    picks(&list(count), section).context("balancing that cannot be meant")
}

/// The time in which a list is ready for choices, in microseconds.
fn ready(count: u32, section: &BalancingSection) -> anyhow::Result<f64> {
    let mut make = lists(&list(count), section).context("balancing that cannot be meant")?;
    let times = (0..21).map(|_| {
        let begin = Instant::now();
        make();
        begin.elapsed().as_secs_f64() * 1e6
    });
    Ok(median(times.collect()))
}

fn list(count: u32) -> Vec<Arc<Instance>> {
    let instance = |index: u32| {
        let address = format!("10.{}.{}.{}:9000", index >> 16 & 255, index >> 8 & 255, index & 255);
        Arc::new(Instance::new("shop.order.orders", address))
    };
    (0..count).map(instance).collect()
}

/// Choices per second of CPU time.
fn rate(chooser: &impl Fn(u64) -> bool, window: Duration) -> anyhow::Result<f64> {
    let (begin, before, mut chosen) = (Instant::now(), process::cpu(std::process::id())?, 0);
    while begin.elapsed() < window {
        for key in chosen..chosen + BATCH {
            anyhow::ensure!(chooser(key), "nobody was chosen");
        }
        chosen += BATCH;
    }
    Ok(chosen as f64 / (process::cpu(std::process::id())? - before))
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
