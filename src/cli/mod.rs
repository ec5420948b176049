//! The command line.
//!
//! In: arguments. Out: text and an exit code: 0 fine, 1 findings, 2 a mistake in the input or in the call.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::diag::Diagnostics;

mod flags;
mod r#gen;
mod new;
mod process;
mod quickstart;

/// Service definitions in, typed Rust servers and clients out.
#[derive(Debug, Parser)]
#[command(name = "jovian", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Gen(Box<r#gen::Arguments>),
    New(new::Arguments),
    Quickstart(quickstart::Arguments),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// All is well.
    Fine,
    /// There is something to see, and it was shown.
    Findings,
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    match execute(Arguments::parse().command) {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Err(diags) => {
            complain(&diags);
            ExitCode::from(2)
        }
    }
}

fn execute(command: Command) -> Result<Outcome, Diagnostics> {
    match command {
        Command::Gen(arguments) => r#gen::run(*arguments),
        Command::New(arguments) => new::run(arguments),
        Command::Quickstart(arguments) => quickstart::run(arguments),
    }
}

/// Writes a line for people to standard output. Nobody listening is no error.
fn say(line: impl std::fmt::Display) {
    let _nobody_listens = writeln!(io::stdout(), "{line}");
}

/// Writes complaints to standard error.
fn complain(diags: &Diagnostics) {
    if !diags.is_empty() {
        let _nobody_listens = writeln!(io::stderr(), "{}", diags.render(io::stderr().is_terminal()));
    }
}
