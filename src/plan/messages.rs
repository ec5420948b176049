//! What messages, enums and all that is in them are called.
//!
//! In: the descriptors of a package. Out: wishes for the scope of its module, and names for everything inside of messages
//! and enums. Never: a name on the wire or in reflection.

use std::collections::BTreeMap;

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto};

use super::edits::Printed;
use super::scope::{Desk, Kind, Place, Scope, Thing, Wish};
use crate::model::{File, is_map_entry, map_entry, oneof_of};
use crate::names;

/// What is declared in one place of a file.
#[derive(Clone, Copy)]
pub(super) struct Declared<'a> {
    file: &'a File,
    /// The full name of the package or the message around it.
    scope: &'a str,
    path: &'a [i32],
    /// The numbers of the fields that hold messages and enums.
    fields: [i32; 2],
    messages: &'a [DescriptorProto],
    enums: &'a [EnumDescriptorProto],
}

impl<'a> Declared<'a> {
    /// At the top of a file.
    pub(super) fn in_file(file: &'a File) -> Self {
        let File { descriptor, package, .. } = file;
        let (messages, enums) = (&descriptor.message_type, &descriptor.enum_type);
        Self { file, scope: package, path: &[], fields: [4, 5], messages, enums }
    }

    fn thing(&self, name: &'a str, field: i32, index: i32) -> Thing<'a> {
        Thing { scope: self.scope, name, place: Place::Path(self.file, self.path, [field, index]) }
    }

    /// What the messages and enums want to be called.
    pub(super) fn wishes(self, is_error: impl Fn(&str) -> bool) -> Vec<Wish<'a>> {
        let messages = self.messages().map(|(message, index)| {
            let thing = self.thing(message.name(), self.fields[0], index);
            let name = names::spoken(message.name());
            let printed = Printed::message(names::type_name(name), names::module(name));
            let kind = Kind::Message { module: has_module(message) };
            let forced = name != message.name() || printed.lower != names::module(name);
            Wish { thing, kind, printed, forced }
        });
        let enums = self.enums.iter().zip(0..).filter(|(enumeration, _)| !is_error(enumeration.name()));
        let enums = enums.map(|(enumeration, index)| {
            let thing = self.thing(enumeration.name(), self.fields[1], index);
            let name = names::spoken(enumeration.name());
            let printed = Printed::of_type(names::type_name(name));
            Wish { thing, kind: Kind::Enum, printed, forced: name != enumeration.name() }
        });
        messages.chain(enums).collect()
    }

    /// Names what is inside of the messages and enums, which have names themselves.
    pub(super) fn members(self, desk: &mut Desk<'_>) {
        for (message, index) in self.messages() {
            let path = [self.path, &[self.fields[0], index]].concat();
            members(self.file, &names::full(self.scope, message.name()), &path, message, desk);
        }
        for (enumeration, index) in self.enums.iter().zip(0..) {
            let path = [self.path, &[self.fields[1], index]].concat();
            let full_name = names::full(self.scope, enumeration.name());
            if !desk.edits.dropped.contains(&full_name) {
                values(self.file, &full_name, &path, enumeration, desk);
            }
        }
    }

    /// The messages that somebody wrote, not those behind maps.
    fn messages(self) -> impl Iterator<Item = (&'a DescriptorProto, i32)> {
        self.messages.iter().zip(0..).filter(|(message, _)| !is_map_entry(message))
    }
}

fn members(file: &File, full_name: &str, path: &[i32], message: &DescriptorProto, desk: &mut Desk<'_>) {
    let (messages, enums) = (&message.nested_type, &message.enum_type);
    let declared = Declared { file, scope: full_name, path, fields: [3, 4], messages, enums };
    let mut wishes = declared.wishes(|_| false);
    let mut variants: Vec<Vec<Wish<'_>>> = message.oneof_decl.iter().map(|_| Vec::new()).collect();
    for (field, index) in message.field.iter().zip(0..) {
        let thing = declared.thing(field.name(), 2, index);
        let name = names::spoken(field.name());
        let mut forced = name != field.name();
        match oneof_of(field).and_then(|oneof| variants.get_mut(oneof)) {
            Some(variants) => {
                let printed = Printed::of_type(names::type_name(name));
                variants.push(Wish { thing, kind: Kind::Variant, printed, forced });
            }
            None => {
                let mut lower = names::method(name);
                let accessors = accessors(file, message, field);
                // prost puts this prefix before `r#`, too.
                if accessors.contains(&"get_") && lower.starts_with("r#") {
                    lower = names::suffixed(&lower, "_");
                    forced = true;
                }
                let printed = Printed { lower, ..Printed::default() };
                wishes.push(Wish { thing, kind: Kind::Field(accessors), printed, forced });
            }
        }
    }
    for (oneof, index) in message.oneof_decl.iter().zip(0..) {
        if is_printed(message, index) {
            let name = names::spoken(oneof.name());
            let mut printed =
                Printed { upper: names::type_name(name), lower: names::method(name), aliases: vec![] };
            // prost-build's rule, by the names in the IDL and not by those that it is shown.
            let is_taken = declared.has_type(&printed.upper);
            if is_taken {
                printed.upper.push_str("OneOf");
            }
            let thing = declared.thing(oneof.name(), 8, index);
            wishes.push(Wish { thing, kind: Kind::Oneof, printed, forced: is_taken || name != oneof.name() });
        }
    }
    Scope::default().settle(wishes, desk);
    for variants in variants {
        Scope::default().settle(variants, desk);
    }
    declared.members(desk);
}

fn values(
    file: &File,
    full_name: &str,
    path: &[i32],
    enumeration: &EnumDescriptorProto,
    desk: &mut Desk<'_>,
) {
    // prost-build strips the name that it is shown.
    let renamed = desk.edits.shown(full_name).is_some();
    let mut wishes: Vec<Wish<'_>> = Vec::new();
    let mut firsts = BTreeMap::new();
    for (value, index) in enumeration.value.iter().zip(0..) {
        let first = *firsts.entry(value.number()).or_insert(wishes.len());
        if let Some(first) = wishes.get_mut(first) {
            // prost-build passes over aliases.
            desk.edits.firsts.insert(names::full(full_name, value.name()), first.thing.name.to_owned());
            first.printed.aliases.push(value.name().to_owned());
            first.forced = true;
            continue;
        }
        let name = names::spoken(value.name());
        let upper = names::variant(enumeration.name(), name);
        let printed = Printed { upper, lower: value.name().to_owned(), aliases: Vec::new() };
        let thing =
            Thing { scope: full_name, name: value.name(), place: Place::Path(file, path, [2, index]) };
        wishes.push(Wish { thing, kind: Kind::Value, printed, forced: renamed || name != value.name() });
    }
    Scope::default().settle(wishes, desk);
}

impl Declared<'_> {
    fn has_type(&self, name: &str) -> bool {
        let messages = self.messages().map(|(message, _)| message.name());
        let mut all = messages.chain(self.enums.iter().map(EnumDescriptorProto::name));
        all.any(|wire| names::type_name(names::spoken(wire)) == name)
    }
}

/// The prefixes of the methods that prost derives for a field.
fn accessors(
    file: &File,
    message: &DescriptorProto,
    field: &FieldDescriptorProto,
) -> &'static [&'static str] {
    let proto3 = file.descriptor.syntax() == "proto3";
    match (field.r#type(), field.label()) {
        (Type::Enum, Label::Repeated) => &["", "push_"],
        (Type::Enum, _) => &["", "set_"],
        (Type::Message, Label::Repeated) if is_map_of_enums(message, field) => &["get_", "insert_"],
        (Type::Message | Type::Group, _) | (_, Label::Repeated | Label::Required) => &[],
        _ if proto3 && !field.proto3_optional() => &[],
        _ => &[""],
    }
}

fn is_map_of_enums(message: &DescriptorProto, field: &FieldDescriptorProto) -> bool {
    map_entry(&message.nested_type, field).is_some_and(|entry| {
        entry.field.iter().any(|field| field.number() == 2 && field.r#type() == Type::Enum)
    })
}

/// Whether prost-build prints a module beside a message.
fn has_module(message: &DescriptorProto) -> bool {
    !message.enum_type.is_empty()
        || message.nested_type.iter().any(|nested| !is_map_entry(nested))
        || message.oneof_decl.iter().zip(0..).any(|(_, index)| is_printed(message, index))
}

/// Whether a oneof is one of the IDL.
fn is_printed(message: &DescriptorProto, oneof: i32) -> bool {
    message.field.iter().any(|field| field.oneof_index == Some(oneof) && !field.proto3_optional())
}
