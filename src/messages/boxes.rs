//! Groups that contain themselves: prost-build sees through messages only, and would give such a type no end.
//!
//! In: descriptors as prost-build gets them. Out: the paths of the fields that need a `Box`.

use std::collections::{BTreeMap, BTreeSet};

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto};

use crate::model::oneof_of;

/// The fields of groups that lead back to the message they stand in, as `.shop.v1.Order.before`.
pub(super) fn needed<'a>(files: impl Iterator<Item = &'a FileDescriptorProto>) -> Vec<String> {
    let mut graph = Graph::default();
    for file in files {
        let scope = if file.package().is_empty() { String::new() } else { format!(".{}", file.package()) };
        file.message_type.iter().for_each(|message| graph.add(&scope, message));
    }
    let circles = graph.groups.iter().filter(|(message, group, _)| graph.leads(group, message));
    circles.map(|(.., path)| path.clone()).collect()
}

#[derive(Default)]
struct Graph<'a> {
    /// What a message contains once: the types of its fields that do not repeat.
    contains: BTreeMap<String, Vec<&'a str>>,
    /// Message, type and path of every field that is a group.
    groups: Vec<(String, &'a str, String)>,
}

impl<'a> Graph<'a> {
    fn add(&mut self, scope: &str, message: &'a DescriptorProto) {
        let name = format!("{scope}.{}", message.name());
        let mut contained = Vec::new();
        for field in message.field.iter().filter(|field| field.label() != Label::Repeated) {
            match field.r#type() {
                Type::Message => contained.push(field.type_name()),
                Type::Group => {
                    contained.push(field.type_name());
                    self.groups.push((name.clone(), field.type_name(), path(&name, message, field)));
                }
                _ => {}
            }
        }
        message.nested_type.iter().for_each(|nested| self.add(&name, nested));
        self.contains.insert(name, contained);
    }

    /// Whether a value of one type can contain one of the other.
    fn leads(&self, from: &str, to: &str) -> bool {
        let (mut open, mut seen) = (vec![from], BTreeSet::new());
        while let Some(name) = open.pop() {
            if name == to {
                return true;
            }
            if seen.insert(name) {
                open.extend(self.contains.get(name).into_iter().flatten());
            }
        }
        false
    }
}

/// What prost-build calls a field: one of a oneof is below that.
fn path(message_name: &str, message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    match oneof_of(field).and_then(|oneof| message.oneof_decl.get(oneof)) {
        Some(oneof) => format!("{message_name}.{}.{}", oneof.name(), field.name()),
        None => format!("{message_name}.{}", field.name()),
    }
}
