//! What a run remembers for the next one: a run that would change nothing does not compile the IDL.
//!
//! In: what a run read, found worth a warning and wrote. Out: whether a run now would do the same. Never: anything that the
//! output depends on; what cannot be read, is of another build of the tool or of other settings counts as not there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::diag::Diagnostics;
use crate::files::{self, hash};
use crate::generate::Output;
use crate::idl::{Input, Trace};
use crate::settings::Settings;

mod stored;

use stored::Manifest;

/// The folder of what is remembered, beside `jovian.toml`.
pub(crate) const DIR: &str = ".jovian";

/// The memory of a project.
#[derive(Debug)]
pub(crate) struct Cache<'a> {
    file: PathBuf,
    input: &'a Input,
    out: &'a Path,
    /// The tool, what it was asked for, and how.
    order: u64,
}

/// What is known of a run that need not be.
#[derive(Debug)]
pub(crate) struct Known {
    /// What a person should know.
    pub warnings: Diagnostics,
    /// The files and folders that the output depends on.
    pub read: BTreeSet<PathBuf>,
}

impl<'a> Cache<'a> {
    /// The memory in `dir`. `tool` is the program that runs: another build of it may print something else.
    pub(crate) fn new(dir: &Path, tool: &Path, input: &'a Input, settings: &Settings, out: &'a Path) -> Self {
        // A program that cannot be looked at is never the one before.
        let tool = files::stamp(tool).ok().map(|stamp| (stamp, env!("CARGO_PKG_VERSION")));
        let asked = match input {
            // Whichever protoc compiles what needs one, it gives the same.
            Input::Proto { inputs, includes, .. } => Some((inputs, includes)),
            Input::DescriptorSet { .. } => None,
        };
        Self {
            file: dir.join("manifest"),
            input,
            out,
            order: tool.map_or(0, |tool| hash((tool, asked, settings, out))),
        }
    }

    /// What the last run said, if a run now would read, say and write the same, and everything is in its place.
    pub(crate) fn nothing_to_do(&self) -> Option<Known> {
        let manifest = Manifest::decode(&files::read_bytes(&self.file).ok()?)?;
        if self.order == 0 || manifest.order != self.order {
            return None;
        }
        let asked = manifest.asked.iter().cloned().collect();
        let same_input = Trace::again(self.input, &asked)?.digest == manifest.read;
        let same_output = same_input && files::hashes(self.out).ok()? == manifest.written;
        let read = manifest.watched.iter().map(PathBuf::from).collect();
        Some(Known { warnings: manifest.warnings().filter(|_| same_output)?, read })
    }

    /// Remembers a run whose output is written. What cannot be kept is not missed.
    pub(crate) fn keep(&self, output: &Output) {
        let mut manifest = Manifest::of(&output.warnings);
        manifest.order = self.order;
        manifest.asked = output.trace.asked.iter().cloned().collect();
        manifest.watched = output.read.iter().map(|path| path.display().to_string()).collect();
        manifest.read = output.trace.digest;
        manifest.written = output.files.hashes();
        let _not_missed = files::keep(&self.file, &manifest.encode());
    }
}
