//! What a run remembers for the next one: a run that would change nothing does not compile the IDL.
//!
//! In: what a run read, found worth a warning and wrote. Out: whether a run now would do the same. Never: anything that the
//! output depends on; what cannot be read, is of another build of the tool or of other settings counts as not there.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::take;
use std::path::{Path, PathBuf};

use crate::diag::Diagnostics;
use crate::files::{self, hash};
use crate::generate::Output;
use crate::idl::{Earlier, Input, Opened, Trace};
use crate::reuse::{Memory, Page};
use crate::settings::Settings;

mod stored;

use stored::{Descriptors, Manifest};

/// The folder of what is remembered, beside `jovian.toml`.
pub(crate) const DIR: &str = ".jovian";

/// The memory of a project.
#[derive(Debug)]
pub(crate) struct Cache<'a> {
    file: PathBuf,
    /// What the last run left, if it was one of this build of the tool.
    last: Option<Manifest>,
    /// The build of the tool.
    tool: u64,
    input: &'a Input,
    /// What is asked for.
    order: u64,
    /// What lies in the place of the output, with its numbers; only looked at if there was a last run.
    written: BTreeMap<String, (String, u64)>,
    /// What there is of the IDL that the last run asked for, once it was looked at.
    found: Opened,
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
    pub(crate) fn open(dir: &Path, tool: &Path, input: &'a Input, settings: &Settings, out: &Path) -> Self {
        let file = dir.join("manifest");
        // A program that cannot be looked at is never the one before.
        let stamp = files::stamp(tool).ok();
        let tool = hash((stamp, env!("CARGO_PKG_VERSION")));
        let last = files::read_bytes(&file).ok().and_then(|bytes| Manifest::decode(&bytes));
        let last = last.filter(|last| stamp.is_some() && last.tool == tool);
        let asked = match input {
            // Whichever protoc compiles what needs one, it gives the same.
            Input::Proto { inputs, includes, .. } => Some((inputs, includes)),
            Input::DescriptorSet { .. } => None,
        };
        let written = last.as_ref().and_then(|_| files::own(out).ok()).unwrap_or_default();
        let numbered = |(name, text): (String, String)| {
            let number = hash(&text);
            (name, (text, number))
        };
        let written = written.into_iter().map(numbered).collect();
        Self { file, last, tool, input, order: hash((asked, settings, out)), written, found: Opened::new() }
    }

    /// What the last run said, if a run now would read, say and write the same, and everything is in its place.
    pub(crate) fn nothing_to_do(&mut self) -> Option<Known> {
        let last = self.last.as_ref().filter(|last| last.order == self.order)?;
        let asked = last.asked.iter().cloned().collect();
        let (trace, found) = Trace::again(self.input, &asked)?;
        self.found = found;
        let written = self.written.iter().map(|(name, (_, number))| (name, number));
        if trace.digest != last.read || written.ne(&last.written) {
            return None;
        }
        Some(Known { warnings: last.warnings()?, read: last.watched.iter().map(PathBuf::from).collect() })
    }

    /// What the last run has left, as far as it is whole.
    pub(crate) fn memory(&mut self) -> Memory {
        let descriptors = self.last.as_ref().and_then(|_| files::read_bytes(&self.descriptors()).ok());
        let descriptors = descriptors.and_then(|bytes| Descriptors::decode(bytes.into()));
        let records =
            descriptors.filter(|descriptors| descriptors.tool == self.tool).unwrap_or_default().records;
        Memory { pages: self.pages(), earlier: Earlier { records, found: take(&mut self.found) } }
    }

    fn descriptors(&self) -> PathBuf {
        self.file.with_file_name("descriptors")
    }

    /// The pages of the last run that are still as it wrote them.
    fn pages(&mut self) -> BTreeMap<String, Page> {
        let Some(last) = &self.last else { return BTreeMap::new() };
        let page = |(name, (text, number)): (String, (String, u64))| {
            let same = last.written.get(&name) == Some(&number);
            let key = *last.keys.get(&name).filter(|_| same)?;
            Some((name, Page { key, text }))
        };
        take(&mut self.written).into_iter().filter_map(page).collect()
    }

    /// Remembers a run whose output is written. What cannot be kept is not missed.
    pub(crate) fn keep(&self, output: &Output) {
        let mut manifest = Manifest::of(&output.warnings);
        manifest.tool = self.tool;
        manifest.order = self.order;
        manifest.keys.clone_from(&output.keys);
        manifest.asked = output.trace.asked.iter().cloned().collect();
        manifest.watched = output.read.iter().map(|path| path.display().to_string()).collect();
        manifest.read = output.trace.digest;
        manifest.written = output.files.hashes();
        let _not_missed = manifest.keep(&self.file);
        let descriptors = Descriptors { tool: self.tool, records: output.records.clone() };
        let _not_missed = descriptors.keep(&self.descriptors());
    }
}
