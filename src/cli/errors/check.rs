//! `jovian errors check`: whether errors can be told apart, and whether they are what their callers know.

use std::path::Path;

use super::history::Past;
use super::{against, clash, load};
use crate::check;
use crate::cli::r#gen::Source;
use crate::cli::{Outcome, Report, say};
use crate::diag::Diagnostics;

/// Check that errors can be told apart, and that they stay what their callers know.
///
/// Without files, the project file `jovian.toml` of this folder says which IDL is read. Exits 1 if there is anything to see, and 2
/// if the IDL cannot be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  jovian errors check                          numbers, reasons, codes and statuses of this project
  jovian errors check --against origin/main    and what is gone or means something else since that branch
  jovian errors check --against v1.4.0 --format github
  jovian errors check --against ../released    the same against another copy of the project")]
pub(super) struct Arguments {
    #[command(flatten)]
    source: Source,
    /// Compare with the IDL as it was: a branch, tag or commit of this git repository, or a folder that holds a copy of the project
    #[arg(long, value_name = "REF|DIR")]
    against: Option<String>,
}

pub(super) fn run(arguments: &Arguments, report: &Report) -> Result<Outcome, Diagnostics> {
    let mut diags = Diagnostics::default();
    let model = load(&arguments.source, Path::new(""), &mut diags)?;
    check::errors(&model, &mut diags);
    clash::find(&model, &mut diags);
    against::find_retired(&model, &mut diags);
    if let Some(name) = &arguments.against {
        match Past::open(name, &arguments.source)? {
            Some(past) => {
                against::find(&model, &past, &mut diags);
                past.add_sources(&mut diags);
            }
            None => say(format_args!("`{name}` has no IDL here: there is nothing to compare with")),
        }
    }
    report.show(&diags);
    Ok(if diags.has_errors() { Outcome::Findings } else { Outcome::Fine })
}
