//! Measures the runtime against tonic and other frameworks: what a call costs a server, what it costs a client, and what a
//! large registry costs whoever follows it.
//!
//! `cargo run --release -p jovian-bench-runtime -- [server|peers|client|allocations|memory|picks|registry]`. What the figures mean, and the
//! last ones: `docs/benchmarks.md`.

mod allocations;
mod arguments;
mod calls;
mod counted;
mod idl;
mod load;
mod memory;
mod peers;
mod picks;
mod process;
mod programs;
mod registry;
mod report;
mod rounds;
mod servers;

use anyhow::Context as _;

use arguments::{Arguments, Part};
use report::Report;

/// Runs the benchmark, or one of the processes that it is made of.
///
/// # Errors
///
/// Fails when something cannot be started or measured.
pub fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        Some((process::PINNED, rest)) => process::pinned(rest),
        Some((servers::SERVE, rest)) => servers::main(rest),
        Some((registry::WATCH, rest)) => registry::main(rest),
        Some((load::LOAD, rest)) => load::main(rest.first().context("what to call is missing")?),
        _ => measure(&Arguments::parse(&arguments)?),
    }
}

fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    if arguments.has(Part::Server) {
        rows.extend(calls::servers(arguments)?);
    }
    if arguments.has(Part::Peers) {
        rows.extend(calls::peers(arguments)?);
    }
    if arguments.has(Part::Client) {
        rows.extend(calls::clients(arguments)?);
    }
    if arguments.has(Part::Allocations) {
        rows.extend(allocations::measure(arguments)?);
    }
    if arguments.has(Part::Memory) {
        rows.extend(memory::measure(arguments)?);
    }
    if arguments.has(Part::Picks) {
        rows.extend(picks::measure(arguments)?);
    }
    if arguments.has(Part::Registry) {
        rows.extend(registry::measure(arguments)?);
    }
    let (machine, cores) = (programs::machine()?, arguments.cores.to_string());
    print!("{}", Report { machine, cores, notes: servers::on(), rows });
    Ok(())
}
