//! The types that other crates have.

use std::collections::{BTreeMap, BTreeSet};

use prost_types::DescriptorProto;
use serde::Serialize;

use super::Edits;
use super::selection::Selection;
use crate::model::{File, Model};
use crate::names;
use crate::settings::{Details, covers};

/// Their paths in Rust.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Elsewhere(BTreeMap<String, String>);

impl Elsewhere {
    pub(super) fn of<'a>(model: &Model, selection: &mut Selection<'a>, edits: &Edits) -> Self {
        let mut paths = BTreeMap::new();
        let details = selection.details;
        if !details.extern_path.is_empty() {
            each_type(model, |_, full_name, _| {
                // The longest of several is the nearest.
                let keys = details.extern_path.iter().filter(|(key, _)| covers(key, full_name));
                if let Some((key, path)) = keys.max_by_key(|(key, _)| key.trim_matches('.').len()) {
                    selection.use_path(key);
                    paths.insert(full_name.to_owned(), below(key, path, full_name, edits));
                }
            });
        }
        Self(paths)
    }

    /// The path of the type with this full name, if another crate has it.
    pub(crate) fn path(&self, full_name: &str) -> Option<&str> {
        self.0.get(full_name).map(String::as_str)
    }

    /// The full names and the paths of all of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(full_name, path)| (full_name.as_str(), path.as_str()))
    }
}

/// The messages that hold, at any depth, a type whose path was given for it alone: somebody wrote it, and it may lack what
/// printed types have.
pub(super) fn holders(model: &Model, details: &Details) -> BTreeSet<String> {
    let mut holders = BTreeSet::new();
    if details.extern_path.is_empty() {
        return holders;
    }
    let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut open = Vec::new();
    each_type(model, |_, full_name, message| {
        if details.extern_path.keys().any(|key| key.trim_start_matches('.') == full_name) {
            open.push(full_name.to_owned());
        }
        for field in message.into_iter().flat_map(|message| &message.field) {
            let used = field.type_name().trim_start_matches('.').to_owned();
            users.entry(used).or_default().push(full_name.to_owned());
        }
    });
    while let Some(name) = open.pop() {
        for user in users.get(&name).into_iter().flatten() {
            if holders.insert(user.clone()) {
                open.push(user.clone());
            }
        }
    }
    holders
}

/// The path of something that is declared in what has a path.
fn below(key: &str, path: &str, full_name: &str, edits: &Edits) -> String {
    let depth = key.split('.').filter(|part| !part.is_empty()).count();
    if key.trim_start_matches('.') == full_name {
        return path.to_owned();
    }
    let modules = edits
        .modules(names::scope(full_name))
        .skip(depth)
        .map(|module| format!("::{module}"))
        .collect::<String>();
    format!("{path}{modules}::{}", edits.type_name(full_name))
}

/// Visits all messages and enums, with their file; messages with their descriptor.
pub(super) fn each_type<'a>(
    model: &'a Model,
    mut visit: impl FnMut(&'a File, &str, Option<&'a DescriptorProto>),
) {
    for file in &model.files {
        let mut open: Vec<(String, &DescriptorProto)> = Vec::new();
        let declared = |scope: &str, messages: &'a [DescriptorProto]| {
            let full = |message: &'a DescriptorProto| (names::full(scope, message.name()), message);
            messages.iter().map(full).collect::<Vec<_>>()
        };
        for enumeration in &file.descriptor.enum_type {
            visit(file, &names::full(&file.package, enumeration.name()), None);
        }
        open.extend(declared(&file.package, &file.descriptor.message_type));
        while let Some((full_name, message)) = open.pop() {
            visit(file, &full_name, Some(message));
            for enumeration in &message.enum_type {
                visit(file, &names::full(&full_name, enumeration.name()), None);
            }
            open.extend(declared(&full_name, &message.nested_type));
        }
    }
}
