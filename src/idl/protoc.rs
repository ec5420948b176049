//! The program protoc: the only other program that a stage starts, and only for files that protox cannot read.
//!
//! In: texts by name. Out: an encoded descriptor set, or what protoc said. The texts are laid out in a folder of their own,
//! which goes when protoc is done: no include root, no name and no folder of a user is ever taken for a flag.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io};

use crate::files::{self, File, Files, Owner};

/// Where protoc reads its arguments, and where it writes the set; no import has such a name.
const ARGUMENTS: &str = ".arguments";
const SET: &str = ".set";

/// Why there is no set.
#[derive(Debug)]
pub(super) enum Failure {
    /// It could not be run.
    Broken(io::Error),
    /// It ran and complained.
    Said(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

/// A protoc.
#[derive(Debug)]
pub(super) struct Protoc {
    program: PathBuf,
}

impl Protoc {
    /// `program` is a path, or a name that is looked up in PATH.
    pub(super) fn new(program: &Path) -> Self {
        // It runs in another folder: a relative path has to be made whole.
        let whole = if program.components().count() > 1 { program.canonicalize().ok() } else { None };
        Self { program: whole.unwrap_or_else(|| program.to_owned()) }
    }

    /// What it calls its version: `36.2` of `libprotoc 36.2`.
    pub(super) fn version(&self) -> io::Result<String> {
        let output = Command::new(&self.program).arg("--version").stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        match said.trim().strip_prefix("libprotoc ") {
            Some(version) if output.status.success() => Ok(version.to_owned()),
            _ => Err(io::Error::other("it is no protoc: `--version` does not say `libprotoc`")),
        }
    }

    /// Compiles `targets`, which are names in `texts`, with everything they import.
    pub(super) fn compile(
        &self,
        texts: &BTreeMap<String, String>,
        targets: &[&str],
    ) -> Result<Vec<u8>, Failure> {
        let temporary = files::temporary()?;
        let folder = temporary.path().join("idl");
        let mut laid_out = Files::default();
        let texts = texts.iter().filter(|(name, _)| stays_inside(name));
        let arguments = ["-I.", "--include_imports", "--include_source_info", "--descriptor_set_out=.set"];
        let arguments = arguments.iter().map(|argument| format!("{argument}\n"));
        let arguments: String = arguments.chain(targets.iter().map(|name| format!("./{name}\n"))).collect();
        for (name, text) in texts.map(|(name, text)| (name.as_str(), text)).chain([(ARGUMENTS, &arguments)]) {
            let file = File { text: text.clone(), owner: Owner::User };
            laid_out.insert(name, file);
        }
        laid_out.create(&folder)?;
        let output = Command::new(&self.program)
            .arg(format!("@{ARGUMENTS}"))
            .current_dir(&folder)
            .stdin(Stdio::null())
            .output()?;
        match output.status.success() {
            true => Ok(fs::read(folder.join(SET))?),
            false => Err(Failure::Said(String::from_utf8_lossy(&output.stderr).into_owned())),
        }
    }
}

/// Whether a name leads to a place below the folder it is joined to.
fn stays_inside(name: &str) -> bool {
    !name.contains(['\\', '\n', '\r'])
        && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
}
