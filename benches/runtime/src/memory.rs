//! What connections and streams cost in memory that do nothing.

use std::time::Duration;

use crate::arguments::Arguments;
use crate::load::{Caller, Load, Until, What};
use crate::process::Running;
use crate::programs;
use crate::report::{Row, Target, Unit};
use crate::servers::Kind;

const PART: &str = "memory";

/// 1,000 of each, against a server that was just started.
pub(crate) fn measure(arguments: &Arguments) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (name, what) in [("idle connection", What::IdleConnections), ("open stream", What::IdleStreams)] {
        let theirs = bytes(arguments, Kind::Tonic, what)?;
        for (kind, who) in
            [(Kind::Ours, "ours"), (Kind::OursPerCore, "ours, per-core"), (Kind::Tonic, "noise: tonic")]
        {
            let sides = (bytes(arguments, kind, what)?, theirs);
            rows.push(Row::new(PART, format!("{who}, per {name}"), sides, Unit::Bytes, Target::None));
        }
    }
    Ok(rows)
}

fn bytes(arguments: &Arguments, kind: Kind, what: What) -> anyhow::Result<f64> {
    let program = programs::this()?;
    let server = Running::start(&programs::server(&program, kind), &arguments.cores.measured)?;
    let load = Load {
        caller: Caller::Raw,
        what,
        address: server.address.clone(),
        server: server.pid(),
        connections: 0,
        calls: 0,
        warm: Duration::ZERO,
        until: Until::Calls(0),
    };
    Ok(programs::call(&programs::caller(&program), &load, &arguments.cores.other)?.bytes)
}
