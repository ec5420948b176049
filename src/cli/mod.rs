//! The command line.
//!
//! In: arguments. Out: text and an exit code: 0 fine, 1 findings, 2 a mistake in the input or in the call; 64 and the number of
//! a gRPC code for a call that failed.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::diag::Diagnostics;

mod call;
mod completions;
mod errors;
mod explain;
mod failure;
mod flags;
mod r#gen;
mod inspect;
mod keys;
mod ls;
mod net;
mod new;
mod place;
mod process;
mod progress;
mod quickstart;
mod registry;
mod remote;
mod report;

use report::{Format, Report};

/// Service definitions in, typed Rust servers and clients out.
#[derive(Debug, Parser)]
#[command(name = "jovian", version, arg_required_else_help = true)]
#[command(after_help = "Examples:
  jovian new shop.order.orders    a service that builds, serves and is tested
  jovian gen                      the code that jovian.toml asks for
  jovian gen --check              exit 1 if the code in the repository is not what the IDL says
  jovian call :9000 Orders/GetOrder -d '{\"id\": \"1\"}'
  jovian registry ls file://      what is registered on this machine
  jovian explain J0202            what a complaint means, and what to do

Environment:
  NO_COLOR, CLICOLOR, CLICOLOR_FORCE    whether complaints and help have colours; without them, on a terminal")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// How complaints are written to standard error
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    Gen(Box<r#gen::Arguments>),
    New(new::Arguments),
    Quickstart(quickstart::Arguments),
    Inspect(Box<inspect::Arguments>),
    Errors(errors::Arguments),
    Keys(Box<keys::Arguments>),
    Call(Box<call::Arguments>),
    Ls(Box<ls::Arguments>),
    Registry(Box<registry::Arguments>),
    Explain(explain::Arguments),
    Completions(completions::Arguments),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// All is well.
    Fine,
    /// There is something to see, and it was shown.
    Findings,
    /// A call failed, with this exit code.
    Failed(u8),
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let Arguments { command, format } = Arguments::parse();
    let report = Report::new(format);
    let code = match execute(command, &report) {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Ok(Outcome::Failed(code)) => ExitCode::from(code),
        Err(diags) => {
            report.show(&diags);
            ExitCode::from(2)
        }
    };
    report.end();
    code
}

fn execute(command: Command, report: &Report) -> Result<Outcome, Diagnostics> {
    match command {
        Command::Gen(arguments) => r#gen::run(*arguments, report),
        Command::New(arguments) => new::run(arguments),
        Command::Quickstart(arguments) => quickstart::run(arguments),
        Command::Inspect(arguments) => inspect::run(*arguments, report),
        Command::Errors(arguments) => errors::run(arguments, report),
        Command::Keys(arguments) => keys::run(&arguments, report),
        Command::Call(arguments) => call::run(&arguments, report),
        Command::Ls(arguments) => ls::run(&arguments, report),
        Command::Registry(arguments) => registry::run(&arguments, report),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Completions(arguments) => completions::run(arguments),
    }
}

/// Writes a line for people to standard output. Nobody listening is no error.
fn say(line: impl std::fmt::Display) {
    let _nobody_listens = writeln!(io::stdout(), "{line}");
}
