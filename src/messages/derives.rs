//! Spares prost-build a walk that can take longer than anybody lives.
//!
//! Whether a message derives `Copy` and `Eq` depends on the messages in its fields. prost-build asks them every time anew, as
//! often as there are ways through the fields to them, and one inside of the other on the stack: thirty messages with
//! two fields of the next one make a billion questions. So it is shown the answers: it knows a message by the last descriptor
//! of that name, and prints each as it is given.
//!
//! In: descriptors as prost-build is shown them. Out: descriptors of the same names that answer at once, where that matters.

use std::collections::BTreeMap;

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto};

use crate::names;

/// So many questions take no time, and so few lie on the stack.
const QUESTIONS: u64 = 1_000_000;
const DEPTH: u64 = 100;

/// Descriptors that answer for the messages of `files`; none where prost-build may as well ask.
pub(super) fn answers<'a>(
    files: impl Iterator<Item = &'a FileDescriptorProto> + Clone,
    has_boxes: bool,
) -> Vec<FileDescriptorProto> {
    let mut messages = BTreeMap::new();
    for file in files.clone() {
        file.message_type.iter().for_each(|message| note(file.package(), message, &mut messages));
    }
    let known = ask(&messages, has_boxes);
    let questions = known.values().fold(0_u64, |sum, answer| sum.saturating_add(answer.questions));
    if questions <= QUESTIONS && known.values().all(|answer| answer.depth <= DEPTH) {
        return Vec::new();
    }
    let file = |file: &FileDescriptorProto| FileDescriptorProto {
        package: file.package.clone(),
        syntax: Some("proto3".to_owned()),
        message_type: file.message_type.iter().map(|it| answering(file.package(), it, &known)).collect(),
        ..FileDescriptorProto::default()
    };
    files.map(file).collect()
}

/// What is known of a message. The default stands for those that contain themselves, and for those that contain such.
#[derive(Clone, Copy, Default)]
struct Answer {
    copy: bool,
    eq: bool,
    /// How many messages prost-build would look at, and how many of them at once.
    questions: u64,
    depth: u64,
}

fn note<'a>(scope: &str, message: &'a DescriptorProto, messages: &mut BTreeMap<String, &'a DescriptorProto>) {
    let name = names::full(scope, message.name());
    message.nested_type.iter().for_each(|nested| note(&name, nested, messages));
    messages.insert(name, message);
}

/// Messages without messages in their fields first, then those whose messages are known, until there is no such.
fn ask(messages: &BTreeMap<String, &DescriptorProto>, has_boxes: bool) -> BTreeMap<String, Answer> {
    let mut users: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, message) in messages {
        let inner: Vec<&str> = message.field.iter().filter_map(inside).collect();
        open.insert(name, inner.len());
        inner.into_iter().for_each(|inner| users.entry(inner).or_default().push(name));
    }
    let mut ready: Vec<&str> = open.iter().filter(|(_, open)| **open == 0).map(|(name, _)| *name).collect();
    let mut known: BTreeMap<String, Answer> = BTreeMap::new();
    while let Some(name) = ready.pop() {
        let Some(message) = messages.get(name) else { continue };
        let mut answer = Answer { copy: true, eq: true, questions: 1, depth: 1 };
        for field in &message.field {
            let (copy, eq) = match inside(field).and_then(|inner| known.get(inner)) {
                Some(inner) => {
                    answer.questions = answer.questions.saturating_add(inner.questions);
                    answer.depth = answer.depth.max(inner.depth + 1);
                    (inner.copy && !has_boxes, inner.eq)
                }
                None => scalar(field),
            };
            answer.copy &= copy;
            answer.eq &= eq;
        }
        known.insert(name.to_owned(), answer);
        for user in users.get(name).into_iter().flatten() {
            if let Some(open) = open.get_mut(user) {
                *open -= 1;
                ready.extend((*open == 0).then_some(*user));
            }
        }
    }
    known
}

/// The message that a field holds directly.
fn inside(field: &FieldDescriptorProto) -> Option<&str> {
    let is_inside = field.r#type() == Type::Message && field.label() != Label::Repeated;
    is_inside.then(|| field.type_name().trim_start_matches('.'))
}

/// Whether a field that holds no message directly can be copied and compared, by the rules of prost-build.
fn scalar(field: &FieldDescriptorProto) -> (bool, bool) {
    let repeated = field.label() == Label::Repeated;
    match field.r#type() {
        Type::Message | Type::Group => (false, false),
        Type::Float | Type::Double => (!repeated, false),
        Type::String | Type::Bytes => (false, true),
        _ => (!repeated, true),
    }
}

/// A message of the same name about which prost-build finds out the same, from one field at most.
fn answering(scope: &str, message: &DescriptorProto, known: &BTreeMap<String, Answer>) -> DescriptorProto {
    let name = names::full(scope, message.name());
    let Answer { copy, eq, .. } = known.get(&name).copied().unwrap_or_default();
    let field = match (copy, eq) {
        (true, true) => None,
        (true, false) => Some((Type::Float, Label::Optional)),
        (false, true) => Some((Type::String, Label::Optional)),
        (false, false) => Some((Type::Float, Label::Repeated)),
    };
    let field = field.map(|(kind, label)| FieldDescriptorProto {
        name: Some("answer".to_owned()),
        number: Some(1),
        r#type: Some(kind.into()),
        label: Some(label.into()),
        ..FieldDescriptorProto::default()
    });
    let nested = message.nested_type.iter().map(|nested| answering(&name, nested, known));
    DescriptorProto {
        name: message.name.clone(),
        field: field.into_iter().collect(),
        nested_type: nested.collect(),
        options: message.options.clone(),
        ..DescriptorProto::default()
    }
}
