//! `jovian inspect`: what the generator makes of IDL, before anything is printed.

use serde::Serialize;

use super::flags::Flags;
use super::r#gen::{Order, Source};
use super::{Outcome, Report, say};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::generate::understand;
use crate::idl::Earlier;

/// Raised when what is printed changes its meaning.
const SCHEMA: u32 = 1;

/// Show what the generator makes of service definitions, as JSON.
///
/// Without files, the project file `jovian.toml` of this folder says what is looked at. The JSON is for people who look for the
/// reason of something: `schema` is its version, and it changes whenever the generator needs it to.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  jovian inspect --stage model           what the IDL of this project says
  jovian inspect --stage plan -I p p     every name, path and text that would be printed for the IDL below p/
  jovian inspect --stage plan | jq '.plan.packages[].services[].methods[].route'")]
pub(super) struct Arguments {
    /// What to show
    #[arg(long, value_enum)]
    stage: Stage,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Stage {
    /// What the IDL says, in its own words
    Model,
    /// What will be printed, in the words of Rust
    Plan,
}

/// What is printed.
#[derive(Serialize)]
struct Shown<T> {
    schema: u32,
    #[serde(flatten)]
    stage: T,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Content<M, P> {
    Model(M),
    Plan(P),
}

pub(super) fn run(arguments: Arguments, report: &Report) -> Result<Outcome, Diagnostics> {
    let order = Order::of(arguments.source, arguments.flags, None)?;
    let mut diags = Diagnostics::default();
    let (loaded, plan) = understand(&order.input, &order.settings, Earlier::default(), &|_| {}, &mut diags);
    diags.stop_on_error()?;
    report.show(&diags);
    let stage = match arguments.stage {
        Stage::Model => Content::Model(&loaded.model),
        Stage::Plan => Content::Plan(&plan),
    };
    let text = serde_json::to_string_pretty(&Shown { schema: SCHEMA, stage }).map_err(|error| {
        Diagnostic::error(Code::Io, format!("cannot be written as JSON: {error}"))
            .help("tell us which IDL it was")
    })?;
    say(text);
    Ok(Outcome::Fine)
}
