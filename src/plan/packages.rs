//! What packages are called: a tree of modules, and a file for each package.

use std::collections::{BTreeMap, BTreeSet};

use super::edits::{Edits, Printed};
use super::scope::{Desk, Kind, Place, Scope, Thing, Wish};
use crate::diag::Span;
use crate::model::Model;
use crate::names;

/// The parts of the names of all packages, and where the first file of each says so.
pub(super) struct Parts<'a>(BTreeMap<&'a str, Option<Span>>);

impl<'a> Parts<'a> {
    pub(super) fn of(model: &'a Model) -> Self {
        let mut parts = BTreeMap::new();
        for package in model.packages.iter().filter(|package| !package.name.is_empty()) {
            let file = model.files.iter().find(|file| package.files.contains(&file.name));
            let span =
                file.map(|file| file.locations.at(&[2]).unwrap_or_else(|| Span::file(file.path.clone())));
            for part in names::prefixes(&package.name) {
                parts.entry(part).or_insert_with(|| span.clone());
            }
        }
        Self(parts)
    }

    /// The parts directly below a package: `shop.v1` below `shop`.
    fn below(&self, package: &str) -> impl Iterator<Item = Thing<'_>> {
        self.0.iter().filter_map(move |(part, span)| {
            let (scope, name) = part.rsplit_once('.').unwrap_or(("", part));
            (scope == package).then_some(Thing { scope, name, place: Place::Known(span.as_ref()) })
        })
    }

    /// Gives every part the name of a module.
    pub(super) fn settle(&self, desk: &mut Desk<'_>) {
        let scopes: BTreeSet<&str> = self.0.keys().map(|part| names::scope(part)).collect();
        for scope in scopes {
            let wishes = self.below(scope).map(|thing| {
                let name = names::spoken(thing.name);
                let printed = Printed { lower: names::module(name), ..Printed::default() };
                Wish { thing, kind: Kind::Package, printed, forced: name != thing.name }
            });
            let mut wishes: Vec<_> = wishes.collect();
            // What is written like a module already stays as it is, whoever comes along.
            wishes.sort_by_key(|wish| wish.printed.lower.trim_start_matches("r#") != wish.thing.name);
            Scope::default().settle(wishes, desk);
        }
    }

    /// The modules that lie in the module of a package.
    pub(super) fn modules(&self, package: &str, edits: &Edits) -> Vec<(String, Thing<'_>)> {
        let module = |thing: &Thing<'_>| edits.modules(&thing.full_name()).last().unwrap_or_default();
        self.below(package).map(|thing| (module(&thing), thing)).collect()
    }
}

/// The file of each package, by its name: no two are one on a disk that takes upper and lower case for the same.
#[derive(Default)]
pub(super) struct FileNames(BTreeSet<String>);

impl FileNames {
    pub(super) fn claim(&mut self, modules: &[String]) -> String {
        let wanted = names::package_file(modules);
        let stem = wanted.trim_end_matches(".rs");
        let others = (2_u64..).map(|number| format!("{stem}~{number}.rs"));
        let mut all = std::iter::once(wanted.clone()).chain(others);
        all.find(|name| self.0.insert(name.to_lowercase())).unwrap_or_default()
    }
}
