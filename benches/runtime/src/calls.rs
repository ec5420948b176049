//! What calls cost: a server, a client, and the servers of other frameworks.

use std::process::Command;
use std::time::Duration;

use crate::arguments::Arguments;
use crate::load::{Caller, Load, Seen, Until};
use crate::peers;
use crate::process::Running;
use crate::programs;
use crate::report::{Row, Target, Unit};
use crate::rounds::{ALONE, BUSY, Plan, Rounds, STREAM, Shape, Turn};
use crate::servers::Kind;

const SERVERS: [(Kind, &str); 5] = [
    (Kind::Ours, "ours"),
    (Kind::OursLogged, "ours with spans, metrics and a line of log"),
    (Kind::OursPerCore, "ours, per-core"),
    (Kind::TonicLayers, "tonic with layers"),
    (Kind::TonicLogged, "tonic with layers and a line of log"),
];

/// Those that stand beside other frameworks.
const OWN_BESIDE_PEERS: [(Kind, &str); 3] = [SERVERS[0], SERVERS[1], SERVERS[4]];

/// What has to be reached: calls per CPU-second, and the median latency.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    rate: Target,
    p50: Target,
}

impl Bounds {
    const NONE: Self = Self { rate: Target::None, p50: Target::None };

    fn rate(bound: f64) -> Self {
        Self { rate: Target::AtLeast(bound), ..Self::NONE }
    }
}

/// The shapes, and what ours has to reach in each, as a server and as a client.
fn shapes() -> [(Shape, Bounds); 3] {
    let alone = Bounds { p50: Target::AtMost(1.03), ..Bounds::rate(0.95) };
    [(BUSY, Bounds::rate(1.3)), (ALONE, alone), (STREAM, Bounds::rate(1.0))]
}

/// Our servers against tonic's, called by the same light caller.
pub(crate) fn servers(arguments: &Arguments) -> anyhow::Result<Vec<Row>> {
    const PART: &str = "server";
    let program = programs::this()?;
    let start = |kind| Running::start(&programs::server(&program, kind), &arguments.cores.measured);
    let pair = (start(Kind::Tonic)?, start(Kind::Tonic)?);
    let contenders = SERVERS.iter().map(|(kind, _)| start(*kind)).collect::<anyhow::Result<Vec<_>>>()?;
    let plan = Plan::new(arguments.quick);
    let mut rows = Vec::new();
    for (shape, bounds) in shapes() {
        let measure = |turn| {
            let load = load(Caller::Raw, shape, of_turn(turn, &pair, &contenders), plan);
            programs::call(&programs::caller(&program), &load, &arguments.cores.other)
        };
        let rounds = Rounds::run(plan, contenders.len(), |seen| seen.server, measure)?;
        for (number, (kind, name)) in SERVERS.iter().enumerate() {
            let bounds = match kind {
                Kind::Ours => bounds,
                Kind::OursLogged if shape.name == BUSY.name => Bounds::rate(1.1),
                _ => Bounds::NONE,
            };
            rows.extend(figures(PART, name, shape, (&rounds, number), bounds));
        }
        rows.push(noise(PART, shape, &rounds));
    }
    Ok(rows)
}

/// Our client against tonic's, with one and the same server.
pub(crate) fn clients(arguments: &Arguments) -> anyhow::Result<Vec<Row>> {
    const PART: &str = "client";
    let program = programs::this()?;
    let server = Running::start(&programs::server(&program, Kind::Tonic), &arguments.cores.other)?;
    let plan = Plan::new(arguments.quick);
    let mut rows = Vec::new();
    for (shape, bounds) in shapes() {
        let measure = |turn| {
            let caller = if let Turn::Contender(_) = turn { Caller::Ours } else { Caller::Tonic };
            let load = load(caller, shape, &server, plan);
            programs::call(&programs::caller(&program), &load, &arguments.cores.measured)
        };
        let rounds = Rounds::run(plan, 1, |seen| seen.client, measure)?;
        rows.extend(figures(PART, "ours", shape, (&rounds, 0), bounds));
        rows.push(noise(PART, shape, &rounds));
    }
    Ok(rows)
}

/// Servers of other frameworks, as far as they can be built here.
pub(crate) fn peers(arguments: &Arguments) -> anyhow::Result<Vec<Row>> {
    const PART: &str = "peers";
    let program = programs::this()?;
    let start = |command: &Command| Running::start(command, &arguments.cores.measured);
    let call = |load: &Load| programs::call(&programs::caller(&program), load, &arguments.cores.other);
    let built = peers::built()?;
    let own = OWN_BESIDE_PEERS.map(|(kind, name)| (name, programs::server(&program, kind)));
    let (names, commands): (Vec<_>, Vec<_>) = own.into_iter().chain(built).unzip();
    let tonic = programs::server(&program, Kind::Tonic);
    let pair = (start(&tonic)?, start(&tonic)?);
    let contenders = commands.iter().map(start).collect::<anyhow::Result<Vec<_>>>()?;
    let plan = Plan::new(arguments.quick);
    // A Java machine compiles while it runs.
    let mut warm = plan;
    warm.warm = Duration::from_secs(if arguments.quick { 2 } else { 15 });
    for contender in &contenders {
        call(&load(Caller::Raw, BUSY, contender, warm))?;
    }
    let measure = |turn| call(&load(Caller::Raw, BUSY, of_turn(turn, &pair, &contenders), plan));
    let rounds = Rounds::run(plan, contenders.len(), |seen| seen.server, measure)?;
    let mut rows = Vec::new();
    for (number, name) in names.into_iter().enumerate() {
        rows.extend(figures(PART, name, BUSY, (&rounds, number), Bounds::NONE));
    }
    rows.push(noise(PART, BUSY, &rounds));
    Ok(rows)
}

fn of_turn<'a>(turn: Turn, pair: &'a (Running, Running), contenders: &'a [Running]) -> &'a Running {
    match turn {
        Turn::First => &pair.0,
        Turn::Second => &pair.1,
        Turn::Contender(number) => &contenders[number],
    }
}

fn load(caller: Caller, shape: Shape, server: &Running, plan: Plan) -> Load {
    Load {
        caller,
        what: shape.what,
        address: server.address.clone(),
        server: server.pid(),
        connections: shape.connections,
        calls: shape.calls,
        warm: plan.warm,
        until: Until::Passed(plan.time),
    }
}

/// What is told of one contender in one shape.
fn figures(
    part: &'static str,
    name: &str,
    shape: Shape,
    (rounds, number): (&Rounds, usize),
    bounds: Bounds,
) -> [Row; 3] {
    let row = |figure, sides, unit, bound| {
        Row::new(part, format!("{name}, {}: {figure}", shape.name), sides, unit, bound)
    };
    let latency = |figure: fn(&Seen) -> f64| rounds.sides(number, figure);
    [
        row("calls per CPU-second", rounds.rates(number), Unit::CallsPerSecond, bounds.rate),
        row("p50", latency(|seen| seen.p50), Unit::Microseconds, bounds.p50),
        row("p99", latency(|seen| seen.p99), Unit::Microseconds, Target::None),
    ]
}

fn noise(part: &'static str, shape: Shape, rounds: &Rounds) -> Row {
    let what = format!("noise, {}: tonic against itself, {}", shape.name, rounds.told());
    Row::new(part, what, rounds.pair(), Unit::CallsPerSecond, Target::None)
}
