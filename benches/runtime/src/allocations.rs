//! How many blocks a call allocates, on servers and on clients.

use std::path::Path;
use std::process::Command;

use crate::arguments::Arguments;
use crate::counted;
use crate::load::{Caller, Load, Until, What};
use crate::process::Running;
use crate::programs;
use crate::report::{Row, Target, Unit};
use crate::servers::{BLOCKS, Kind};

const PART: &str = "allocations";

/// What is counted, in how many calls, and what ours may have more than tonic's.
const SHAPES: [(&str, What, u64, f64); 2] =
    [("call", What::Unary, 500, 2.0), ("stream of 1,000 messages", What::Stream, 50, 16.0)];

const LOGGED: [(Kind, &str); 1] = [(Kind::OursLogged, "ours with spans, metrics and a line of log")];

pub(crate) fn measure(arguments: &Arguments) -> anyhow::Result<Vec<Row>> {
    let program = programs::counted()?;
    let folder = programs::target()?.join("bench");
    std::fs::create_dir_all(&folder)?;
    let counting = |mut command: Command, file: &Path| {
        command.env(counted::SITES, file);
        command
    };
    let mut rows = Vec::new();
    for (name, what, calls, more) in SHAPES {
        let file = |side: &str, who: &str| folder.join(format!("{side}-{who}-{what:?}.json").to_lowercase());
        let server = |kind: Kind| {
            let file = file("server", kind.word());
            let blocks = of_server(&counting(programs::server(&program, kind), &file), what, calls)?;
            tell(arguments, &format!("server, {}, {name}", kind.word()), &file, 3 * calls)?;
            anyhow::Ok(blocks)
        };
        let theirs = server(Kind::Tonic)?;
        let sides = (server(Kind::Ours)?, theirs);
        rows.push(Row::new(
            PART,
            format!("server, ours, per {name}"),
            sides,
            Unit::Blocks,
            Target::AtMostMore(more),
        ));
        for (kind, who) in LOGGED {
            let sides = (server(kind)?, theirs);
            rows.push(Row::new(
                PART,
                format!("server, {who}, per {name}"),
                sides,
                Unit::Blocks,
                Target::None,
            ));
        }
        let client = |caller: Caller| {
            let file = file("client", &format!("{caller:?}"));
            let blocks = of_client(&counting(programs::caller(&program), &file), caller, what, calls)?;
            tell(arguments, &format!("client, {caller:?}, {name}"), &file, 2 * calls)?;
            anyhow::Ok(blocks)
        };
        let sides = (client(Caller::Ours)?, client(Caller::Tonic)?);
        rows.push(Row::new(
            PART,
            format!("client, ours, per {name}"),
            sides,
            Unit::Blocks,
            Target::AtMostMore(more),
        ));
    }
    Ok(rows)
}

/// Blocks per call of a server: what `2 n` calls on a connection cost more than `n` on another one.
fn of_server(command: &Command, what: What, calls: u64) -> anyhow::Result<f64> {
    let mut server = Running::start(command, "")?;
    let caller = programs::caller(&programs::this()?);
    let mut blocks = |calls: u64| -> anyhow::Result<f64> {
        let before: f64 = server.ask(BLOCKS)?.parse()?;
        programs::call(&caller, &load(Caller::Raw, what, &server, calls), "")?;
        Ok(server.ask(BLOCKS)?.parse::<f64>()? - before)
    };
    let once = blocks(calls)?;
    let twice = blocks(2 * calls)?;
    server.end()?;
    Ok((twice - once) / calls as f64)
}

/// Blocks per call of a client, in the same way.
fn of_client(command: &Command, caller: Caller, what: What, calls: u64) -> anyhow::Result<f64> {
    let server = Running::start(&programs::server(&programs::this()?, Kind::Tonic), "")?;
    let blocks = |calls| -> anyhow::Result<f64> {
        Ok(programs::call(command, &load(caller, what, &server, calls), "")?.blocks as f64)
    };
    let once = blocks(calls)?;
    Ok((blocks(2 * calls)? - once) / calls as f64)
}

fn load(caller: Caller, what: What, server: &Running, calls: u64) -> Load {
    Load {
        caller,
        what,
        address: server.address.clone(),
        server: server.pid(),
        connections: 1,
        calls: 1,
        warm: std::time::Duration::ZERO,
        until: Until::Calls(calls),
    }
}

/// Says where the blocks of each call come from, if that is asked for.
fn tell(arguments: &Arguments, who: &str, file: &Path, calls: u64) -> anyhow::Result<()> {
    if arguments.sites {
        eprintln!("{who}: blocks and bytes of each call, and where\n{}", counted::sites(file, calls)?);
    }
    Ok(())
}
