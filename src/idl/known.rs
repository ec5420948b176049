//! What an earlier run has compiled, for files that are as they were.
//!
//! In: records, and the include roots. Out: descriptors of the files whose text is the same, with the texts of all that they
//! import. Never: a guess. Where a file that changed could mean something else beside those that are not compiled with it,
//! everything is compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use prost::Message as _;
use prost::bytes::Bytes;
use protox::file::{File, FileResolver};

use super::carried::is_well_known;
use super::roots::{Opened, Roots, look_up};
use super::scan;
use crate::files::hash;
use crate::names;

/// A file as it was compiled.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Record {
    /// As imports call it.
    #[prost(string, tag = "1")]
    pub name: String,
    /// What was found under this name, as a number.
    #[prost(fixed64, tag = "2")]
    pub found: u64,
    /// An encoded `FileDescriptorProto`.
    #[prost(bytes = "bytes", tag = "3")]
    pub descriptor: Bytes,
}

/// What an earlier run has left for this one.
#[derive(Debug, Default)]
pub(crate) struct Earlier {
    /// The files that it compiled.
    pub records: Vec<Record>,
    /// What there is under their names now, as far as somebody has looked already.
    pub found: Opened,
}

/// The records of a run.
pub(super) fn records(files: &BTreeMap<String, Bytes>, opened: &Opened) -> Vec<Record> {
    let record = |(name, descriptor): (&String, &Bytes)| Record {
        name: name.clone(),
        found: hash(opened.get(name).unwrap_or(&None)),
        descriptor: descriptor.clone(),
    };
    files.iter().map(record).collect()
}

/// The files that need not be compiled.
#[derive(Clone)]
pub(super) struct Known {
    records: Arc<BTreeMap<String, Holding>>,
    roots: Roots,
    used: Arc<Mutex<BTreeSet<String>>>,
}

/// A record that holds.
struct Holding {
    found: Option<(PathBuf, String)>,
    descriptor: Bytes,
    outline: Outline,
}

impl Known {
    /// The records that hold.
    pub(super) fn new(earlier: Earlier, roots: &Roots) -> Self {
        let Earlier { records, found: mut looked } = earlier;
        let holding = records.into_iter().filter_map(|Record { name, found: then, descriptor }| {
            let found = match looked.remove(&name) {
                Some(found) => found,
                // Those of protobuf itself are never looked for in the roots.
                None if is_well_known(&name) => None,
                None => look_up(roots.dirs(), &name).ok()?,
            };
            let outline = Outline::decode(descriptor.clone()).ok()?;
            (hash(&found) == then).then_some((name, Holding { found, descriptor, outline }))
        });
        let mut holding: BTreeMap<String, Holding> = holding.collect();
        let mut importers: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, Holding { outline, .. }) in &holding {
            for import in &outline.imports {
                importers.entry(import.clone()).or_default().push(name.clone());
            }
        }
        // What imports a file that changed may mean something else, too.
        let mut changed: Vec<String> =
            importers.keys().filter(|name| !holding.contains_key(*name)).cloned().collect();
        while let Some(name) = changed.pop() {
            holding.remove(&name);
            changed.extend(importers.remove(&name).into_iter().flatten());
        }
        Self { records: Arc::new(holding), roots: roots.clone(), used: Arc::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether a file holds; then it is part of this run, and so are all that it imports.
    pub(super) fn take(&self, name: &str) -> bool {
        if !self.records.contains_key(name) {
            return false;
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open = vec![name.to_owned()];
        while let Some(name) = open.pop() {
            let Some(holding) = self.records.get(&name).filter(|_| used.insert(name.clone())) else {
                continue;
            };
            if !is_well_known(&name) {
                self.roots.note(&name, holding.found.clone());
            }
            open.extend(holding.outline.imports.iter().cloned());
        }
        true
    }

    /// The descriptors of the files that were taken.
    pub(super) fn taken(&self) -> BTreeMap<String, Bytes> {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let taken =
            used.iter().filter_map(|name| Some((name.clone(), self.records.get(name)?.descriptor.clone())));
        taken.collect()
    }

    /// Whether what was `compiled` could be something else beside the files that were taken without being compiled with it:
    /// both declare a name, or one of them hides what the beginning of a path means.
    pub(super) fn may_meddle(&self, compiled: &BTreeMap<String, Bytes>, opened: &Opened) -> bool {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let absent = used.iter().filter(|name| !compiled.contains_key(*name));
        let absent = absent.filter_map(|name| Some(&self.records.get(name)?.outline));
        let (mut symbols, mut packages) = (BTreeSet::new(), BTreeSet::new());
        for outline in absent {
            symbols.extend(outline.symbols());
            packages.extend(outline.packages());
        }
        let outlines: Option<BTreeMap<&String, Outline>> =
            compiled.iter().map(|(name, bytes)| Some((name, Outline::decode(bytes.clone()).ok()?))).collect();
        let Some(outlines) = outlines else { return true };
        let present: BTreeSet<String> =
            outlines.values().flat_map(|outline| outline.symbols().chain(outline.packages())).collect();
        outlines.iter().filter(|(name, _)| !used.contains(**name)).any(|(name, outline)| {
            let text = opened.get(*name).and_then(Option::as_ref).map_or("", |(_, text)| text.as_str());
            let paths = scan::paths(text);
            outline.symbols().any(|symbol| symbols.contains(&symbol) || packages.contains(&symbol))
                || outline.packages().any(|package| symbols.contains(&package))
                || outline.scopes().any(|scope| {
                    let inside = |names| firsts(names, &scope);
                    let mut hidden = inside(&symbols).into_iter().chain(inside(&packages));
                    hidden.any(|first| paths.contains(first) && !present.contains(&format!("{scope}{first}")))
                })
        })
    }
}

/// What comes behind `scope` in names, up to the next dot.
fn firsts<'a>(names: &'a BTreeSet<String>, scope: &str) -> Vec<&'a str> {
    let inside = names.range(scope.to_owned()..).take_while(|name| name.starts_with(scope));
    let mut firsts: Vec<&str> = inside.filter_map(|name| name[scope.len()..].split('.').next()).collect();
    firsts.dedup();
    firsts
}

/// What a `FileDescriptorProto` declares.
#[derive(Clone, PartialEq, prost::Message)]
struct Outline {
    #[prost(string, tag = "2")]
    package: String,
    #[prost(string, repeated, tag = "3")]
    imports: Vec<String>,
    #[prost(message, repeated, tag = "4")]
    messages: Vec<Named>,
    #[prost(message, repeated, tag = "5")]
    enums: Vec<Enum>,
    #[prost(message, repeated, tag = "6")]
    services: Vec<Named>,
    #[prost(message, repeated, tag = "7")]
    extensions: Vec<Named>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Named {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Enum {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    values: Vec<Named>,
}

impl Outline {
    /// Full names of what stands in the package; values of enums do, too.
    fn symbols(&self) -> impl Iterator<Item = String> {
        let named =
            self.messages.iter().chain(&self.services).chain(&self.extensions).map(|named| &named.name);
        let values = self
            .enums
            .iter()
            .flat_map(|it| std::iter::once(&it.name).chain(it.values.iter().map(|value| &value.name)));
        named.chain(values).map(|name| names::full(&self.package, name))
    }

    /// `a.b` → `a`, `a.b`
    fn packages(&self) -> impl Iterator<Item = String> {
        names::prefixes(&self.package).map(str::to_owned)
    }

    /// What names of the file may be relative to: nothing, `a.`, `a.b.`
    fn scopes(&self) -> impl Iterator<Item = String> {
        std::iter::once(String::new()).chain(self.packages().map(|package| package + "."))
    }
}

impl FileResolver for Known {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match self.records.get(name).filter(|_| self.take(name)) {
            Some(holding) => {
                if let Some((path, text)) = &holding.found {
                    self.roots.limit(path, name, text)?;
                }
                File::decode_file_descriptor_proto(holding.descriptor.clone()).map_err(protox::Error::new)
            }
            None => Err(protox::Error::file_not_found(name)),
        }
    }
}
