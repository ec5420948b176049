//! `jovian registry`: what is in a registry, whoever wrote it.
//!
//! In: where a store is. Out: its records as instances, as they are, and as they change. Never: writing anything.

use serde::Serialize;

use super::{Outcome, Report};
use crate::diag::{Code, Diagnostic, Diagnostics};

mod decode;
mod get;
mod ls;
mod saved;
mod store;
mod target;
mod text;
mod watch;
mod why;

/// Look into a registry: what is in it, what its records mean, what changes.
///
/// Records are read in the layouts of Jupiter, Dubbo, Kratos, Kitex and go-zero, wherever they stand. Nothing is written.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  jovian registry ls etcd://10.0.0.3:2379              every service and its instances
  jovian registry get etcd://10.0.0.3:2379 orders.rpc  the records of a service, with what each layout makes of them
  jovian registry watch etcd://10.0.0.3:2379           changes, as they come
  jovian registry ls zookeeper://10.0.0.3:2181/fleet   what a ZooKeeper has in a folder
  jovian registry ls nacos://10.0.0.3/dev              what a Nacos has in a namespace
  jovian registry ls file://                           the services of this user on this machine")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Ls(ls::Arguments),
    Get(get::Arguments),
    Watch(watch::Arguments),
    Why(Box<why::Arguments>),
}

pub(super) fn run(arguments: &Arguments, report: &Report) -> Result<Outcome, Diagnostics> {
    match &arguments.command {
        Command::Ls(arguments) => ls::run(arguments, report),
        Command::Get(arguments) => get::run(arguments, report),
        Command::Watch(arguments) => watch::run(arguments, report),
        Command::Why(arguments) => why::run(arguments, report),
    }
}

/// How records are written to standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For a terminal
    #[default]
    Table,
    /// For programs
    Json,
}

/// Raised when a key of what is written as JSON changes its meaning or goes.
const SCHEMA: u32 = 1;

/// An object on a line.
fn json(value: &impl Serialize) -> Result<String, Diagnostics> {
    serde_json::to_string(value).map_err(|error| no_json(&error))
}

/// An object on many lines.
fn json_pretty(value: &impl Serialize) -> Result<String, Diagnostics> {
    serde_json::to_string_pretty(value).map_err(|error| no_json(&error))
}

fn no_json(error: &serde_json::Error) -> Diagnostics {
    Diagnostic::error(Code::Io, format!("cannot be written as JSON: {error}"))
        .help("tell us which record it was")
        .into()
}
