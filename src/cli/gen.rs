//! `jovian gen`: IDL to code, or a look at what would change.

use std::path::{Path, PathBuf};

use super::flags::Flags;
use super::{Outcome, Report, say};
use crate::diag::{Code, Diagnostic, Diagnostics, Span};
use crate::files::{self, Change, Changes};
use crate::generate::generate;
use crate::idl::Input;
use crate::settings::{PROJECT_FILE, Project, Settings};

/// Generate Rust code from service definitions.
///
/// Without files, the project file `jovian.toml` of this folder says what is generated.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  jovian gen                                  what jovian.toml says
  jovian gen --check                          exit 1 and show a diff if the generated code is not up to date
  jovian gen -I proto -o src/generated proto  all .proto files below proto/
  jovian gen -o src/generated api.binpb       a descriptor set
  jovian gen --check --format github          the same in a workflow of GitHub, beside the files")]
pub(super) struct Arguments {
    /// `.proto` files, folders and globs, or one descriptor set (`.binpb`, `.fds`, `.pb`, `.protoset`)
    #[arg(value_name = "FILE|DIR|GLOB")]
    inputs: Vec<String>,
    /// Look imports up in this folder; may be given several times [default: the folders of the inputs]
    #[arg(short = 'I', long = "include", value_name = "DIR")]
    includes: Vec<PathBuf>,
    /// Write the code into this folder [default: src/generated]
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write nothing; exit 1 and show a diff if anything is stale, missing, edited or left over
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    flags: Flags,
}

pub(super) fn run(arguments: Arguments, report: &Report) -> Result<Outcome, Diagnostics> {
    let flags = arguments.flags.0;
    let (input, out, settings) = if arguments.inputs.is_empty() {
        let project = Project::read(Path::new(PROJECT_FILE))?;
        let includes = if arguments.includes.is_empty() { project.includes } else { arguments.includes };
        let input = input(project.inputs, includes)?;
        (input, arguments.out.unwrap_or(project.out), Settings::resolve([project.generate, flags]))
    } else {
        let out = arguments.out.unwrap_or_else(|| PathBuf::from("src/generated"));
        (input(arguments.inputs, arguments.includes)?, out, Settings::resolve([flags]))
    };
    let output = generate(&input, &settings)?;
    report.show(&output.warnings);
    let refused = |error| files::refused(&out, &error);
    if arguments.check {
        let changes = output.files.compare(&out).map_err(refused)?;
        changes.iter().for_each(say);
        if changes.is_empty() {
            return Ok(Outcome::Fine);
        }
        if report.is_for_people() {
            say(format_args!("{} is not up to date: run `jovian gen`", out.display()));
        } else {
            report.show(&stale(&changes));
        }
        return Ok(Outcome::Findings);
    }
    let changes = output.files.update(&out).map_err(refused)?;
    changes.iter().for_each(|change| say(summary(change)));
    if changes.is_empty() {
        say(format_args!("{} is up to date", out.display()));
    }
    Ok(Outcome::Fine)
}

/// IDL text, or a descriptor set by its ending.
fn input(inputs: Vec<String>, includes: Vec<PathBuf>) -> Result<Input, Diagnostics> {
    let is_set = |input: &String| {
        let extension = Path::new(input).extension().unwrap_or_default();
        ["binpb", "fds", "pb", "protoset"].iter().any(|known| extension == *known)
    };
    match inputs.iter().find(|input| is_set(input)) {
        None => Ok(Input::Proto { inputs, includes }),
        Some(set) if inputs.len() == 1 => {
            let bytes = files::read_bytes(Path::new(set)).map_err(|error| {
                Diagnostic::error(Code::NotFound, format!("cannot read `{set}`: {error}"))
                    .help("give a file made with `protoc --include_imports --include_source_info -o FILE`")
            })?;
            Ok(Input::DescriptorSet { bytes, files: Vec::new() })
        }
        Some(set) => {
            Err(Diagnostic::error(Code::Setting, format!("`{set}` is a descriptor set among other inputs"))
                .help("generate from the descriptor set alone")
                .into())
        }
    }
}

/// What `--check` found, as complaints that a machine can show beside the files.
fn stale(changes: &Changes) -> Diagnostics {
    let mut diags = Diagnostics::default();
    for change in changes.iter() {
        let (what, line) = match (&change.before, &change.after) {
            (None, _) => ("is missing", 1),
            (_, None) => ("is left over", 1),
            (Some(before), Some(after)) => ("is not what the IDL says", first_difference(before, after)),
        };
        let path = change.path.display().to_string();
        diags.push(
            Diagnostic::error(Code::Stale, format!("`{path}` {what}"))
                .at(Span { line, ..Span::file(path) })
                .help("run `jovian gen`"),
        );
    }
    diags
}

/// The number of the first line that is another one in `after`.
fn first_difference(before: &str, after: &str) -> usize {
    before.lines().zip(after.lines()).take_while(|(before, after)| before == after).count() + 1
}

fn summary(change: &Change) -> String {
    let verb = match (&change.before, &change.after) {
        (None, _) => "wrote",
        (_, None) => "removed",
        _ => "updated",
    };
    format!("{verb} {}", change.path.display())
}
