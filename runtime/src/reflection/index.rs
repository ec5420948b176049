//! Which file declares what.
//!
//! In: encoded `FileDescriptorSet`s. Out: the files that a name leads to, each in the bytes it came in.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Buf;
use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto};

use super::well_known::WELL_KNOWN;
use crate::descriptor::Service;

/// The field of `FileDescriptorSet` that holds its files.
const FILE: u32 = 1;

/// Everything that can be asked for, by its name, with the name of its file.
#[derive(Debug, Default)]
pub(super) struct Index {
    services: BTreeSet<&'static str>,
    files: BTreeMap<String, File>,
    /// By full name without a leading dot: `shop.orders.v1.Orders.GetOrder`.
    symbols: BTreeMap<String, String>,
    messages: BTreeSet<String>,
    /// By the full name of the extended message and the number.
    extensions: BTreeMap<(String, i32), String>,
}

#[derive(Debug)]
struct File {
    encoded: &'static [u8],
    imports: Vec<String>,
}

impl Index {
    pub(super) fn new(services: impl Iterator<Item = &'static Service>) -> Self {
        let mut index = Self::default();
        for service in services {
            index.services.insert(service.name);
            index.add_all(service.name, service.descriptors);
        }
        index.add_all("google.protobuf", WELL_KNOWN);
        index
    }

    fn add_all(&mut self, of: &str, set: &'static [u8]) {
        for encoded in files_of(set) {
            match FileDescriptorProto::decode(encoded) {
                Ok(file) => self.add(encoded, &file),
                Err(error) => tracing::warn!(of, %error, "reflection leaves out a broken descriptor"),
            }
        }
    }

    /// The full names of the services that are served.
    pub(super) fn services(&self) -> impl Iterator<Item = &'static str> {
        self.services.iter().copied()
    }

    pub(super) fn file(&self, name: &str) -> Option<&str> {
        self.files.get_key_value(name).map(|(name, _)| name.as_str())
    }

    pub(super) fn file_of_symbol(&self, name: &str) -> Option<&str> {
        self.symbols.get(undotted(name)).map(String::as_str)
    }

    pub(super) fn file_of_extension(&self, message: &str, number: i32) -> Option<&str> {
        self.extensions.get(&(undotted(message).to_owned(), number)).map(String::as_str)
    }

    /// The numbers of the extensions of a message; nothing if there is no such message.
    pub(super) fn extension_numbers(&self, message: &str) -> Option<Vec<i32>> {
        let message = undotted(message);
        let all = (message.to_owned(), i32::MIN)..=(message.to_owned(), i32::MAX);
        let numbers: Vec<i32> = self.extensions.range(all).map(|((_, number), _)| *number).collect();
        (self.messages.contains(message) || !numbers.is_empty()).then_some(numbers)
    }

    /// The encoded file `name` and all that it imports, directly or not, each once.
    pub(super) fn with_imports(&self, name: &str) -> Vec<Vec<u8>> {
        let mut asked = BTreeSet::from([name]);
        let mut queue = VecDeque::from([name]);
        let mut encoded = Vec::new();
        while let Some(file) = queue.pop_front().and_then(|name| self.files.get(name)) {
            encoded.push(file.encoded.to_vec());
            let known = file.imports.iter().filter(|import| self.files.contains_key(*import));
            queue.extend(known.map(String::as_str).filter(|import| asked.insert(import)));
        }
        encoded
    }

    fn add(&mut self, encoded: &'static [u8], file: &FileDescriptorProto) {
        let name = file.name().to_owned();
        // Several services come with the same imports.
        if self.files.contains_key(&name) {
            return;
        }
        let mut adder = Adder { index: self, file: &name };
        for message in &file.message_type {
            adder.message(file.package(), message);
        }
        for declared in &file.enum_type {
            adder.enumeration(file.package(), declared);
        }
        for extension in &file.extension {
            adder.extension(file.package(), extension);
        }
        for service in &file.service {
            let service_name = adder.symbol(file.package(), service.name());
            for method in &service.method {
                adder.symbol(&service_name, method.name());
            }
        }
        self.files.insert(name, File { encoded, imports: file.dependency.clone() });
    }
}

/// Adds what one file declares.
struct Adder<'i> {
    index: &'i mut Index,
    file: &'i str,
}

impl Adder<'_> {
    /// Adds a symbol and returns its full name.
    fn symbol(&mut self, scope: &str, name: &str) -> String {
        let full = if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") };
        self.index.symbols.insert(full.clone(), self.file.to_owned());
        full
    }

    fn message(&mut self, scope: &str, message: &DescriptorProto) {
        let name = self.symbol(scope, message.name());
        for field in &message.field {
            self.symbol(&name, field.name());
        }
        for oneof in &message.oneof_decl {
            self.symbol(&name, oneof.name());
        }
        for nested in &message.nested_type {
            self.message(&name, nested);
        }
        for nested in &message.enum_type {
            self.enumeration(&name, nested);
        }
        for extension in &message.extension {
            self.extension(&name, extension);
        }
        self.index.messages.insert(name);
    }

    fn enumeration(&mut self, scope: &str, declared: &EnumDescriptorProto) {
        self.symbol(scope, declared.name());
        // The values of an enum are siblings of it, not members.
        for value in &declared.value {
            self.symbol(scope, value.name());
        }
    }

    fn extension(&mut self, scope: &str, extension: &FieldDescriptorProto) {
        self.symbol(scope, extension.name());
        let extended = undotted(extension.extendee()).to_owned();
        self.index.extensions.insert((extended, extension.number()), self.file.to_owned());
    }
}

/// Names in descriptors start with a dot, names in questions need not.
fn undotted(name: &str) -> &str {
    name.strip_prefix('.').unwrap_or(name)
}

/// The encoded files of an encoded `FileDescriptorSet`, up to the first byte that makes no sense.
fn files_of(set: &'static [u8]) -> Vec<&'static [u8]> {
    let mut rest = set;
    let mut files = Vec::new();
    while rest.has_remaining() {
        let Ok((tag, wire_type)) = decode_key(&mut rest) else { break };
        if tag == FILE && wire_type == WireType::LengthDelimited {
            let length = decode_varint(&mut rest).ok().and_then(|length| usize::try_from(length).ok());
            let Some((file, after)) = length.and_then(|length| rest.split_at_checked(length)) else { break };
            files.push(file);
            rest = after;
        } else if skip_field(wire_type, tag, &mut rest, DecodeContext::default()).is_err() {
            break;
        }
    }
    files
}
