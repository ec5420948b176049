//! Which types have serde's traits, and what the runtime has to know of the IDL to read and write them as JSON.
//!
//! In: the model's descriptors and the names of the plan. Out: the types of a package, and descriptors without anything that
//! JSON does not depend on, all in the words of proto2: whether a field has presence, the bytes of a message say.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumOptions, EnumValueDescriptorProto, FieldDescriptorProto,
    FileDescriptorProto, FileDescriptorSet, MessageOptions, OneofDescriptorProto,
};
use serde::Serialize;

use super::elsewhere::{Elsewhere, each_type};
use super::{Edits, idl};
use crate::model::{self, File, Model, is_map_entry, oneof_of};

/// The types of a package that have serde's traits: their paths from its module, and their full names in the IDL.
#[derive(Debug, Hash, Serialize)]
pub(crate) struct Json {
    /// `order::Line` and `shop.v1.Order.Line`
    pub messages: Vec<(String, String)>,
    /// `Kind` and `shop.v1.Kind`
    pub enums: Vec<(String, String)>,
    /// An encoded `FileDescriptorSet` of what the messages are made of, well-known types left out.
    #[serde(skip)]
    pub descriptors: Vec<u8>,
}

/// The file in which protobuf declares `Any`, which holds whatever it is given.
const ANY: &str = "google/protobuf/any.proto";

/// What all packages are made of.
pub(super) struct Schemas<'a> {
    model: &'a Model,
    types: BTreeMap<&'a str, Vec<Type>>,
    /// The files that declare the types of a file's fields.
    uses: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

struct Type {
    full_name: String,
    is_message: bool,
}

impl<'a> Schemas<'a> {
    pub(super) fn of(model: &'a Model) -> Self {
        let (mut homes, mut fields, mut types) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        each_type(model, |file, full_name, message| {
            homes.insert(full_name.to_owned(), file.name.as_str());
            let used = message.into_iter().flat_map(|message| &message.field);
            fields.extend(used.map(|field| (file.name.as_str(), field.type_name().trim_start_matches('.'))));
            if !message.is_some_and(is_map_entry) {
                let declared = Type { full_name: full_name.to_owned(), is_message: message.is_some() };
                types.entry(file.name.as_str()).or_insert_with(Vec::new).push(declared);
            }
        });
        let mut uses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (file, used) in fields {
            let others = homes.get(used).copied().filter(|home| *home != file);
            uses.entry(file).or_default().extend(others);
        }
        Self { model, types, uses }
    }

    /// The names of the files that some files are made of, themselves included.
    fn reach(&self, files: &'a BTreeSet<String>) -> BTreeSet<&'a str> {
        let by_types = self.reach_by(files, false);
        // Nothing says what an `Any` holds but the imports, and people import what they put into one.
        match by_types.contains(ANY) {
            true => self.reach_by(files, true),
            false => by_types,
        }
    }

    fn reach_by(&self, files: &'a BTreeSet<String>, with_imports: bool) -> BTreeSet<&'a str> {
        let used = |file: &'a File| {
            let followed = !idl::is_well_known(&file.name);
            let used = self.uses.get(file.name.as_str()).into_iter().flatten().copied();
            let imported = file.imports().filter(move |_| with_imports);
            used.chain(imported).filter(move |_| followed)
        };
        self.model.reach(|file| files.contains(&file.name), used)
    }

    fn encoded(&self, files: &'a BTreeSet<String>) -> Vec<u8> {
        let reached = self.reach(files);
        let files = self.model.files.iter();
        let files = files
            .filter(|file| reached.contains(file.name.as_str()) && !idl::is_well_known(&file.name))
            .map(|file| self.bare_file(file));
        FileDescriptorSet { file: files.collect() }.encode_to_vec()
    }

    fn bare_file(&self, file: &File) -> FileDescriptorProto {
        let uses = self.uses.get(file.name.as_str()).into_iter().flatten();
        FileDescriptorProto {
            name: Some(file.name.clone()),
            package: file.descriptor.package.clone(),
            dependency: uses.map(|&name| name.to_owned()).collect(),
            message_type: file.descriptor.message_type.iter().map(bare_message).collect(),
            enum_type: file.descriptor.enum_type.iter().map(bare_enum).collect(),
            ..FileDescriptorProto::default()
        }
    }
}

/// Decides. A package without types has nothing to say.
pub(super) fn plan(
    package: &model::Package,
    schemas: &Schemas<'_>,
    edits: &Edits,
    elsewhere: &Elsewhere,
) -> Option<Json> {
    let declared =
        package.files.iter().flat_map(|file| schemas.types.get(file.as_str()).into_iter().flatten());
    let printed = declared
        .filter(|it| elsewhere.path(&it.full_name).is_none() && !edits.dropped.contains(&it.full_name));
    let (mut messages, mut enums) = (Vec::new(), Vec::new());
    for Type { full_name, is_message } in printed {
        let types = if *is_message { &mut messages } else { &mut enums };
        types.push((edits.path(&package.name, &package.name, full_name), full_name.clone()));
    }
    messages.sort_by(|a: &(_, String), b| a.1.cmp(&b.1));
    enums.sort_by(|a: &(_, String), b| a.1.cmp(&b.1));
    let is_needed = !messages.is_empty() || !enums.is_empty();
    is_needed.then(|| Json { messages, enums, descriptors: schemas.encoded(&package.files) })
}

fn bare_message(message: &DescriptorProto) -> DescriptorProto {
    let oneofs = message.field.iter().filter_map(oneof_of).max().map_or(0, |last| last + 1);
    let oneofs = message.oneof_decl.iter().take(oneofs);
    DescriptorProto {
        name: message.name.clone(),
        field: message.field.iter().map(|field| bare_field(message, field)).collect(),
        nested_type: message.nested_type.iter().map(bare_message).collect(),
        enum_type: message.enum_type.iter().map(bare_enum).collect(),
        oneof_decl: oneofs.map(|it| OneofDescriptorProto { name: it.name.clone(), options: None }).collect(),
        options: is_map_entry(message)
            .then(|| MessageOptions { map_entry: Some(true), ..MessageOptions::default() }),
        ..DescriptorProto::default()
    }
}

fn bare_field(message: &DescriptorProto, field: &FieldDescriptorProto) -> FieldDescriptorProto {
    // What proto2 lets two fields have, neither can have alone.
    let namesakes =
        message.field.iter().filter(|it| it.json_name.is_some() && it.json_name == field.json_name);
    let is_shared = namesakes.count() > 1;
    FieldDescriptorProto {
        name: field.name.clone(),
        number: field.number,
        label: field.label,
        r#type: field.r#type,
        type_name: field.type_name.clone(),
        oneof_index: field.oneof_index.filter(|_| oneof_of(field).is_some()),
        json_name: if is_shared { field.name.clone() } else { field.json_name.clone() },
        ..FieldDescriptorProto::default()
    }
}

fn bare_enum(enumeration: &EnumDescriptorProto) -> EnumDescriptorProto {
    let has_aliases = enumeration.options.as_ref().is_some_and(|options| options.allow_alias());
    let values = enumeration.value.iter().map(|value| EnumValueDescriptorProto {
        name: value.name.clone(),
        number: value.number,
        options: None,
    });
    EnumDescriptorProto {
        name: enumeration.name.clone(),
        value: values.collect(),
        options: has_aliases.then(|| EnumOptions { allow_alias: Some(true), ..EnumOptions::default() }),
        ..EnumDescriptorProto::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// protoc lets proto2 say so, with a warning.
    #[test]
    fn a_json_name_that_two_fields_want_is_nobodys() {
        let field = |name: &str, json: &str| FieldDescriptorProto {
            name: Some(name.to_owned()),
            json_name: Some(json.to_owned()),
            ..FieldDescriptorProto::default()
        };
        let field = [field("a_b", "aB"), field("aB", "aB"), field("c_d", "cD")].to_vec();
        let bare = bare_message(&DescriptorProto { field, ..DescriptorProto::default() });
        let names: Vec<&str> = bare.field.iter().map(FieldDescriptorProto::json_name).collect();
        assert_eq!(names, ["a_b", "aB", "cD"]);
    }
}
