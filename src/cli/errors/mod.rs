//! `jovian errors`: the errors that the IDL declares, to be published and to be kept.
//!
//! In: IDL, and IDL as it was. Out: a catalogue; findings. Never: a complaint about anything but errors.

use std::path::Path;

use super::r#gen::Source;
use super::{Outcome, Report};
use crate::diag::Diagnostics;
use crate::idl::{self, Earlier};
use crate::model::{ErrorEnum, ErrorValue, Model};
use crate::settings::Settings;
use crate::{names, plan};

mod against;
mod catalogue;
mod check;
mod clash;
mod history;
mod list;

/// List the errors of the IDL, or check that they stay what they are.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  jovian errors list                           the errors of this project, as a table
  jovian errors list --as markdown > ERRORS.md a catalogue for people
  jovian errors check --against origin/main    exit 1 if a change breaks those who know the errors of that branch")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(list::Arguments),
    Check(check::Arguments),
}

pub(super) fn run(arguments: Arguments, report: &Report) -> Result<Outcome, Diagnostics> {
    match arguments.command {
        Command::List(arguments) => list::run(&arguments),
        Command::Check(arguments) => check::run(&arguments, report),
    }
}

/// Reads the IDL that somebody means who stands in `dir`. Errors that go against a rule are read, too; what is wrong with them
/// goes to `diags`.
///
/// # Errors
/// When it is no IDL.
fn load(source: &Source, dir: &Path, diags: &mut Diagnostics) -> Result<Model, Diagnostics> {
    let input = source.input(dir)?;
    let model = idl::load(&input, &Settings::default(), Earlier::default(), diags).model;
    match model.files.is_empty() {
        true => diags.stop_on_error().map(|()| model),
        false => Ok(model),
    }
}

/// An error, where it is declared.
#[derive(Clone, Copy, Debug)]
struct Declared<'a> {
    list: &'a ErrorEnum,
    error: &'a ErrorValue,
}

impl<'a> Declared<'a> {
    /// The errors of all packages, in the order of the IDL.
    fn all(model: &'a Model) -> impl Iterator<Item = Self> {
        let lists = model.packages.iter().flat_map(|package| &package.errors);
        lists.flat_map(|list| list.values.iter().map(move |error| Self { list, error }))
    }

    fn domain(self) -> &'a str {
        &self.list.domain
    }

    fn reason(self) -> &'a str {
        &self.error.name
    }

    /// `NOT_FOUND`
    fn code(self) -> String {
        names::constant(plan::standard(self.error.code).0)
    }

    /// The HTTP status that it has, said or not.
    fn http(self) -> i32 {
        self.error.http.unwrap_or_else(|| i32::from(plan::standard(self.error.code).1))
    }

    /// What callers rely on beside number and reason, each with its name.
    fn meaning(self) -> [(&'static str, String); 4] {
        let retryable = if self.error.retryable { "yes" } else { "no" };
        let mut fields: Vec<String> =
            self.error.message.fields.iter().map(|field| format!("`{field}`")).collect();
        fields.sort();
        let fields = if fields.is_empty() { "none".to_owned() } else { fields.join(", ") };
        [
            ("code", format!("`{}`", self.code())),
            ("HTTP status", format!("`{}`", self.http())),
            ("`retryable`", format!("`{retryable}`")),
            ("fields", fields),
        ]
    }
}

/// `code NOT_FOUND was ABORTED`: in what the meaning of an error differs from what it was, or is elsewhere.
fn differences(now: Declared<'_>, other: Declared<'_>) -> Vec<(&'static str, String, String)> {
    let pairs = now.meaning().into_iter().zip(other.meaning());
    let differ = pairs.filter(|((_, now), (_, other))| now != other);
    differ.map(|((what, now), (_, other))| (what, now, other)).collect()
}
