//! The IDL as it was: in a commit of the git repository, or in another copy of the project.

use std::io;
use std::path::{Path, PathBuf};

use super::load;
use crate::cli::r#gen::Source;
use crate::cli::process;
use crate::diag::{Code, Diagnostic, Diagnostics, Span};
use crate::files::{self, Temporary};
use crate::model::Model;

/// What of a commit is looked at: IDL, descriptor sets and project files.
const KINDS: [&str; 6] = ["*.proto", "*.binpb", "*.fds", "*.pb", "*.protoset", "*jovian.toml"];

/// The IDL as it was.
#[derive(Debug)]
pub(super) struct Past {
    pub(super) model: Model,
    /// The texts that its places point into.
    sources: Diagnostics,
    /// What comes before the names of its files, and what is shown instead.
    folder: String,
    shown: String,
}

impl Past {
    /// Reads what `source` meant in a commit or a folder. `None`: there was no IDL then.
    pub(super) fn open(name: &str, source: &Source) -> Result<Option<Self>, Diagnostics> {
        if is_path(name) {
            return Self::read(source, Path::new(name), Path::new(""), String::new());
        }
        match Checkout::of(name) {
            Ok(checkout) => {
                let root = checkout.files();
                Self::read(source, &root.join(&checkout.prefix), &root, format!("{name}:"))
            }
            Err(_) if files::exists(Path::new(name)) => {
                Self::read(source, Path::new(name), Path::new(""), String::new())
            }
            Err(diags) => Err(diags),
        }
    }

    fn read(source: &Source, dir: &Path, root: &Path, shown: String) -> Result<Option<Self>, Diagnostics> {
        let Some(source) = source.known_in(dir) else { return Ok(None) };
        let mut sources = Diagnostics::default();
        let folder = match root.to_string_lossy().replace('\\', "/") {
            root if root.is_empty() => root,
            root => root + "/",
        };
        let model = load(&source, dir, &mut sources).map_err(|mut diags| {
            let name = if shown.is_empty() { dir.display().to_string() } else { shown.clone() };
            diags.push(
                Diagnostic::error(
                    Code::NotFound,
                    format!("the IDL of `{}` cannot be read", name.trim_end_matches(':')),
                )
                .help("compare with a commit whose IDL is whole"),
            );
            diags
        })?;
        Ok(Some(Self { model, sources, folder, shown }))
    }

    /// A place as people would look it up: `HEAD~1:proto/orders.proto`.
    pub(super) fn place(&self, span: Option<&Span>) -> Option<Span> {
        let span = span?;
        Some(Span { file: self.name(&span.file), ..span.clone() })
    }

    fn name(&self, file: &str) -> String {
        format!("{}{}", self.shown, file.strip_prefix(&self.folder).unwrap_or(file))
    }

    /// Adds the texts that its places point into.
    pub(super) fn add_sources(&self, diags: &mut Diagnostics) {
        let files: Vec<&str> = self.model.files.iter().map(|file| file.path.as_str()).collect();
        for file in files {
            if let Some(text) = self.sources.source_of(file) {
                diags.source(self.name(file), text);
            }
        }
    }
}

/// Whether a name can only be meant as a folder.
fn is_path(name: &str) -> bool {
    name.starts_with('.') || Path::new(name).is_absolute()
}

/// The files of a commit that may hold IDL, in a temporary folder.
struct Checkout {
    folder: Temporary,
    /// The folder that somebody stands in, below the root of the repository.
    prefix: PathBuf,
}

impl Checkout {
    fn of(name: &str) -> Result<Self, Diagnostics> {
        let folder = files::temporary().map_err(|error| broken(&error.to_string()))?;
        let index = folder.path().join("index");
        let git = |dir: &Path, arguments: &[&str], input: &[u8]| -> Result<Vec<u8>, Diagnostics> {
            let ran = process::git(dir, &index, arguments, input);
            Ok(ran.map_err(|error| not_started(&error))?.map_err(|said| broken(&said))?)
        };
        let line = |arguments: &[&str]| {
            let said = git(Path::new("."), arguments, &[])?;
            Ok::<_, Diagnostics>(PathBuf::from(String::from_utf8_lossy(&said).trim_end_matches(['\r', '\n'])))
        };
        let root = line(&["rev-parse", "--show-toplevel"])?;
        let prefix = line(&["rev-parse", "--show-prefix"])?;
        let commit = format!("{name}^{{commit}}");
        let commit = line(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]);
        let commit = commit.map_err(|_| unknown(name))?.to_string_lossy().into_owned();
        git(&root, &["read-tree", &commit], &[])?;
        let names = git(&root, &[&["ls-files", "-z", "--"], &KINDS[..]].concat(), &[])?;
        let checkout = Self { prefix, folder };
        let prefix = format!("--prefix={}/", checkout.files().display());
        git(&root, &["checkout-index", "-z", "--stdin", &prefix], &names)?;
        Ok(checkout)
    }

    fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }
}

fn unknown(name: &str) -> Diagnostic {
    Diagnostic::error(Code::NotFound, format!("there is no commit and no folder `{name}`")).help(
        "give a branch, a tag or a commit that `git rev-parse` knows; a shallow clone lacks most of them",
    )
}

fn not_started(error: &io::Error) -> Diagnostic {
    match error.kind() {
        io::ErrorKind::NotFound => Diagnostic::error(Code::Program, "there is no `git` on the PATH")
            .help("install git, or give a folder that holds a copy of the project"),
        _ => Diagnostic::error(Code::Program, format!("cannot start git: {error}"))
            .help("check that programs may be started here"),
    }
}

fn broken(said: &str) -> Diagnostic {
    let said = if said.is_empty() { "git failed without words" } else { said };
    Diagnostic::error(Code::Program, format!("git cannot show what was: {said}"))
        .help("run it inside of a git repository, or give a folder that holds a copy of the project")
}
