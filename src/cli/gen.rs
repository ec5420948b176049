//! `jovian gen`: IDL to code, or a look at what would change.

use std::env;
use std::path::{Path, PathBuf};

use super::flags::Flags;
use super::progress::Progress;
use super::{Outcome, Report, say};
use crate::build_script::protoc;
use crate::cache::{self, Cache};
use crate::diag::{Code, Diagnostic, Diagnostics, Span};
use crate::files::{self, Change, Changes};
use crate::generate::{Output, generate_again, mistakes};
use crate::idl::Input;
use crate::reuse::Memory;
use crate::settings::{PROJECT_FILE, Project, Settings};

/// Generate Rust code from service definitions.
///
/// Without files, the project file `jovian.toml` of this folder says what is generated. Files of a protobuf edition need a
/// `protoc`: the one that the variable `PROTOC` names, or the one on the PATH.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  jovian gen                                  what jovian.toml says
  jovian gen --check                          exit 1 and show a diff if the generated code is not up to date
  jovian gen --dry-run                        say which files would be written and removed
  jovian gen --diff                           show how, and exit 0 all the same
  jovian gen -I proto -o src/generated proto  all .proto files below proto/
  jovian gen -o src/generated api.binpb       a descriptor set
  jovian gen --check --format github          the same in a workflow of GitHub, beside the files")]
pub(super) struct Arguments {
    #[command(flatten)]
    source: Source,
    /// Write the code into this folder [default: src/generated]
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write nothing; exit 1 and show a diff if anything is stale, missing, edited or left over
    #[arg(long)]
    check: bool,
    /// Write nothing; say which files would change
    #[arg(long)]
    dry_run: bool,
    /// Write nothing; show how files would change
    #[arg(long)]
    diff: bool,
    #[command(flatten)]
    flags: Flags,
}

/// Where the IDL is.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Source {
    /// `.proto` files, folders and globs, or one descriptor set (`.binpb`, `.fds`, `.pb`, `.protoset`)
    #[arg(value_name = "FILE|DIR|GLOB")]
    pub(super) inputs: Vec<String>,
    /// Look imports up in this folder; may be given several times [default: the folders of the inputs]
    #[arg(short = 'I', long = "include", value_name = "DIR")]
    pub(super) includes: Vec<PathBuf>,
}

impl Source {
    /// The IDL that is meant by somebody who stands in `dir`. What the settings choose of it is left aside.
    pub(super) fn input(&self, dir: &Path) -> Result<Input, Diagnostics> {
        if self.inputs.is_empty() {
            let project = Project::read(&dir.join(PROJECT_FILE))?;
            let includes =
                if self.includes.is_empty() { project.includes } else { below(dir, &self.includes) };
            return input(project.inputs, includes);
        }
        let inputs = self.inputs.iter().map(|input| dir.join(input).to_string_lossy().into_owned());
        input(inputs.collect(), below(dir, &self.includes))
    }

    /// The same without the files and folders that are not there; nothing if none is.
    pub(super) fn known_in(&self, dir: &Path) -> Option<Self> {
        let is_there = |input: &&String| input.contains(['*', '?', '[']) || files::exists(&dir.join(input));
        let inputs: Vec<String> = self.inputs.iter().filter(is_there).cloned().collect();
        let is_known =
            if self.inputs.is_empty() { files::exists(&dir.join(PROJECT_FILE)) } else { !inputs.is_empty() };
        let includes = self.includes.iter().filter(|include| files::exists(&dir.join(include)));
        is_known.then(|| Self { inputs, includes: includes.cloned().collect() })
    }
}

fn below(dir: &Path, paths: &[PathBuf]) -> Vec<PathBuf> {
    paths.iter().map(|path| dir.join(path)).collect()
}

pub(super) fn run(arguments: Arguments, report: &Report) -> Result<Outcome, Diagnostics> {
    let look = Look::of(&arguments);
    let Arguments { source, out, flags, .. } = arguments;
    let order = Order::of(source, flags, out)?;
    match look {
        Some(look) => order.look(&look, report),
        None => order.carry_out(report),
    }
}

/// What to show instead of writing.
struct Look {
    names: bool,
    texts: bool,
    /// Whether a difference is a finding.
    check: bool,
}

impl Look {
    fn of(arguments: &Arguments) -> Option<Self> {
        let Arguments { check, dry_run, diff, .. } = *arguments;
        (check || dry_run || diff).then_some(Self { names: dry_run, texts: check || diff, check })
    }
}

/// What to generate.
pub(super) struct Order {
    pub(super) input: Input,
    pub(super) settings: Settings,
    out: PathBuf,
    /// Whether `jovian.toml` asks for it: then there is a place to remember it in.
    project: bool,
}

impl Order {
    /// What the arguments say, and without IDL among them the project file.
    pub(super) fn of(source: Source, flags: Flags, out: Option<PathBuf>) -> Result<Self, Diagnostics> {
        let (Source { inputs, includes }, Flags(flags)) = (source, flags);
        if !inputs.is_empty() {
            let out = out.unwrap_or_else(|| PathBuf::from("src/generated"));
            let input = input(inputs, includes)?;
            return Ok(Self { input, settings: Settings::resolve([flags]), out, project: false });
        }
        let (project, mut diags) = Project::understand(Path::new(PROJECT_FILE))?;
        let includes = if includes.is_empty() { project.includes } else { includes };
        let settings = Settings::resolve([project.generate, flags]);
        if diags.has_errors() {
            if !project.inputs.is_empty() {
                let input = input(project.inputs, includes);
                diags.extend(input.map_or_else(|mistakes| mistakes, |input| mistakes(&input, &settings)));
            }
            return Err(diags);
        }
        let input = input(project.inputs, includes)?;
        Ok(Self { input, settings, out: out.unwrap_or(project.out), project: true })
    }

    /// Shows how the output would change. What an earlier run remembers counts for nothing here.
    fn look(&self, look: &Look, report: &Report) -> Result<Outcome, Diagnostics> {
        let output = self.generate(Memory::default(), &Progress::start())?;
        report.show(&output.warnings);
        let changes = output.files.compare(&self.out).map_err(|error| files::refused(&self.out, &error))?;
        if look.texts {
            changes.iter().for_each(say);
        }
        if look.names {
            changes
                .iter()
                .for_each(|change| say(format_args!("would {} {}", verb(change).0, change.path.display())));
        }
        match (changes.is_empty(), look.check) {
            (true, false) => self.say_up_to_date(),
            (false, true) if report.is_for_people() => {
                say(format_args!("{} is not up to date: run `jovian gen`", self.out.display()));
            }
            (false, true) => report.show(&stale(&changes)),
            _ => {}
        }
        Ok(if look.check && !changes.is_empty() { Outcome::Findings } else { Outcome::Fine })
    }

    /// Brings the output up to date.
    fn carry_out(&self, report: &Report) -> Result<Outcome, Diagnostics> {
        let Self { input, settings, out, .. } = self;
        let progress = Progress::start();
        progress.at("looking for changes");
        let tool = env::current_exe().unwrap_or_default();
        let open = || Cache::open(Path::new(cache::DIR), &tool, input, settings, out);
        let mut cache = self.project.then(open);
        if let Some(known) = cache.as_mut().and_then(Cache::nothing_to_do) {
            drop(progress);
            report.show(&known.warnings);
            self.say_up_to_date();
            return Ok(Outcome::Fine);
        }
        let memory = cache.as_mut().map(Cache::memory).unwrap_or_default();
        let output = self.generate(memory, &progress)?;
        drop(progress);
        report.show(&output.warnings);
        let changes = output.files.update(out).map_err(|error| files::refused(out, &error))?;
        cache.iter().for_each(|cache| cache.keep(&output));
        changes.iter().for_each(|change| say(format_args!("{} {}", verb(change).1, change.path.display())));
        if changes.is_empty() {
            self.say_up_to_date();
        }
        Ok(Outcome::Fine)
    }

    fn generate(&self, memory: Memory, progress: &Progress) -> Result<Output, Diagnostics> {
        generate_again(&self.input, &self.settings, memory, &|stage| progress.at(stage))
    }

    fn say_up_to_date(&self) {
        say(format_args!("{} is up to date", self.out.display()));
    }
}

/// IDL text, or a descriptor set by its ending.
fn input(inputs: Vec<String>, includes: Vec<PathBuf>) -> Result<Input, Diagnostics> {
    let is_set = |input: &String| {
        let extension = Path::new(input).extension().unwrap_or_default();
        ["binpb", "fds", "pb", "protoset"].iter().any(|known| extension == *known)
    };
    match inputs.iter().find(|input| is_set(input)) {
        None => Ok(Input::Proto { inputs, includes, protoc: protoc() }),
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

/// What happens to a file: as what would be done, and as what was done.
fn verb(change: &Change) -> (&'static str, &'static str) {
    match (&change.before, &change.after) {
        (None, _) => ("write", "wrote"),
        (_, None) => ("remove", "removed"),
        _ => ("update", "updated"),
    }
}
