//! Names in Rust that options of the IDL choose.
//!
//! Few files use them, so what they stand on is decoded here, and only where the options are declared at all. Tags are those
//! of `google/protobuf/descriptor.proto`.

use prost::Message as _;
use prost::bytes::Bytes;

use super::options::{self, Declared, Extension};
use crate::model::{Locations, Rename};
use crate::names;

/// `FileDescriptorProto`
#[derive(Clone, PartialEq, prost::Message)]
struct File {
    #[prost(string, tag = "2")]
    package: String,
    #[prost(message, repeated, tag = "4")]
    messages: Vec<Message>,
    #[prost(message, repeated, tag = "5")]
    enums: Vec<Enum>,
    #[prost(message, repeated, tag = "6")]
    services: Vec<Service>,
    #[prost(bytes = "bytes", tag = "8")]
    options: Bytes,
}

/// `DescriptorProto`
#[derive(Clone, PartialEq, prost::Message)]
struct Message {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    fields: Vec<Field>,
    #[prost(message, repeated, tag = "3")]
    messages: Vec<Message>,
    #[prost(message, repeated, tag = "4")]
    enums: Vec<Enum>,
    #[prost(bytes = "bytes", tag = "7")]
    options: Bytes,
    #[prost(message, repeated, tag = "8")]
    oneofs: Vec<Oneof>,
}

/// `FieldDescriptorProto`
#[derive(Clone, PartialEq, prost::Message)]
struct Field {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(bytes = "bytes", tag = "8")]
    options: Bytes,
}

/// `OneofDescriptorProto`
#[derive(Clone, PartialEq, prost::Message)]
struct Oneof {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(bytes = "bytes", tag = "2")]
    options: Bytes,
}

/// `EnumDescriptorProto`
#[derive(Clone, PartialEq, prost::Message)]
struct Enum {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    values: Vec<Value>,
    #[prost(bytes = "bytes", tag = "3")]
    options: Bytes,
}

/// `EnumValueDescriptorProto`
#[derive(Clone, PartialEq, prost::Message)]
struct Value {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(bytes = "bytes", tag = "3")]
    options: Bytes,
}

/// `ServiceDescriptorProto`
#[derive(Clone, PartialEq, prost::Message)]
struct Service {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    methods: Vec<Method>,
    #[prost(bytes = "bytes", tag = "3")]
    options: Bytes,
}

/// `MethodDescriptorProto`
#[derive(Clone, PartialEq, prost::Message)]
struct Method {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(bytes = "bytes", tag = "4")]
    options: Bytes,
}

/// Adds the names that an encoded file chooses.
pub(super) fn read(bytes: &[u8], locations: &Locations, declared: &Declared, renames: &mut Vec<Rename>) {
    if !declared.names() {
        return;
    }
    // It was decoded before, by others' mirrors.
    let file = File::decode(bytes).unwrap_or_default();
    let mut reader = Reader { locations, declared, renames };
    if let Some(name) = declared.rust_name(&options::FILE, &file.options) {
        let span = locations.at(&[2]);
        reader.renames.push(Rename { full_name: file.package.clone(), name, span });
    }
    reader.messages(&file.package, (&[], 4), &file.messages);
    reader.enums(&file.package, (&[], 5), &file.enums);
    for (service, index) in file.services.iter().zip(0..) {
        let (full_name, path) = (names::full(&file.package, &service.name), [6, index]);
        reader.push(&full_name, &path, Some(declared.service(&service.options).rust_name));
        for (method, index) in service.methods.iter().zip(0..) {
            let name = declared.method(&method.options).rust_name;
            reader.push(
                &names::full(&full_name, &method.name),
                &[&path[..], &[2, index]].concat(),
                Some(name),
            );
        }
    }
}

struct Reader<'a> {
    locations: &'a Locations,
    declared: &'a Declared,
    renames: &'a mut Vec<Rename>,
}

impl Reader<'_> {
    fn messages(&mut self, scope: &str, place: (&[i32], i32), messages: &[Message]) {
        for (message, index) in messages.iter().zip(0..) {
            let path = [place.0, &[place.1, index]].concat();
            let full_name = names::full(scope, &message.name);
            self.named(&full_name, &path, &options::MESSAGE, &message.options);
            for (field, index) in message.fields.iter().zip(0..) {
                let (name, path) = (names::full(&full_name, &field.name), [&path[..], &[2, index]].concat());
                self.named(&name, &path, &options::FIELD, &field.options);
            }
            for (oneof, index) in message.oneofs.iter().zip(0..) {
                let (name, path) = (names::full(&full_name, &oneof.name), [&path[..], &[8, index]].concat());
                self.named(&name, &path, &options::ONEOF, &oneof.options);
            }
            self.messages(&full_name, (&path, 3), &message.messages);
            self.enums(&full_name, (&path, 4), &message.enums);
        }
    }

    fn enums(&mut self, scope: &str, place: (&[i32], i32), enums: &[Enum]) {
        for (enumeration, index) in enums.iter().zip(0..) {
            let path = [place.0, &[place.1, index]].concat();
            let full_name = names::full(scope, &enumeration.name);
            self.named(&full_name, &path, &options::ENUM, &enumeration.options);
            for (value, index) in enumeration.values.iter().zip(0..) {
                let (name, path) = (names::full(&full_name, &value.name), [&path[..], &[2, index]].concat());
                self.named(&name, &path, &options::VALUE, &value.options);
            }
        }
    }

    fn named(&mut self, full_name: &str, path: &[i32], extension: &Extension, options: &[u8]) {
        self.push(full_name, path, self.declared.rust_name(extension, options));
    }

    fn push(&mut self, full_name: &str, path: &[i32], name: Option<String>) {
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            let span = self.locations.name(path);
            self.renames.push(Rename { full_name: full_name.to_owned(), name, span });
        }
    }
}
