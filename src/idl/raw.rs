//! Descriptors as far as they are read here, with options left as bytes.
//!
//! `prost_types` drops every option it does not know, and with it all of ours. Tags are those of
//! `google/protobuf/descriptor.proto` and `google/protobuf/compiler/plugin.proto`.

use std::mem::take;

use prost::bytes::Bytes;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// `google.protobuf.FileDescriptorSet`, its files as bytes.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct FileSet {
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub files: Vec<Vec<u8>>,
}

/// `google.protobuf.compiler.CodeGeneratorRequest`, its files as bytes.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Request {
    #[prost(string, repeated, tag = "1")]
    pub file_to_generate: Vec<String>,
    #[prost(string, optional, tag = "2")]
    pub parameter: Option<String>,
    #[prost(bytes = "vec", repeated, tag = "15")]
    pub proto_file: Vec<Vec<u8>>,
}

/// `FileDescriptorProto`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct File {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub package: String,
    #[prost(message, repeated, tag = "4")]
    pub messages: Vec<Message>,
    #[prost(message, repeated, tag = "5")]
    pub enums: Vec<Enum>,
    #[prost(message, repeated, tag = "6")]
    pub services: Vec<Service>,
    #[prost(message, repeated, tag = "7")]
    pub extensions: Vec<Field>,
    #[prost(bytes = "bytes", tag = "8")]
    pub options: Bytes,
    #[prost(string, tag = "12")]
    pub syntax: String,
    #[prost(int32, tag = "14")]
    pub edition: i32,
    #[prost(string, repeated, tag = "15")]
    pub option_imports: Vec<String>,
}

/// `DescriptorProto`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Message {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, repeated, tag = "3")]
    pub messages: Vec<Message>,
    #[prost(message, repeated, tag = "4")]
    pub enums: Vec<Enum>,
    #[prost(message, repeated, tag = "6")]
    pub extensions: Vec<Field>,
}

/// `FieldDescriptorProto`, as far as an extension needs it.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Field {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub extendee: String,
    #[prost(int32, tag = "3")]
    pub number: i32,
}

/// `EnumDescriptorProto`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Enum {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, repeated, tag = "2")]
    pub values: Vec<EnumValue>,
    #[prost(bytes = "bytes", tag = "3")]
    pub options: Bytes,
}

/// `EnumValueDescriptorProto`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct EnumValue {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(int32, tag = "2")]
    pub number: i32,
    #[prost(bytes = "bytes", tag = "3")]
    pub options: Bytes,
}

/// `ServiceDescriptorProto`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Service {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, repeated, tag = "2")]
    pub methods: Vec<Method>,
    #[prost(bytes = "bytes", tag = "3")]
    pub options: Bytes,
}

/// `MethodDescriptorProto`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Method {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub input: String,
    #[prost(string, tag = "3")]
    pub output: String,
    #[prost(bytes = "bytes", tag = "4")]
    pub options: Bytes,
    #[prost(bool, tag = "5")]
    pub client_streaming: bool,
    #[prost(bool, tag = "6")]
    pub server_streaming: bool,
}

/// One field of an encoded message.
pub(super) struct Encoded<'a> {
    /// Its number.
    pub number: u32,
    /// How it is encoded.
    pub wire: WireType,
    /// Its key and its value.
    pub whole: &'a [u8],
    /// What follows the key.
    pub value: &'a [u8],
    /// What follows the length, if it has one.
    pub payload: Option<&'a [u8]>,
}

/// The fields of an encoded message, one after the other; ends behind the first that cannot be read, which is `None`.
pub(super) struct Fields<'a>(pub &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Option<Encoded<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let all = (!self.0.is_empty()).then(|| take(&mut self.0))?;
        let field = one(all);
        self.0 = field.as_ref().map_or(&[], |field| &all[field.whole.len()..]);
        Some(field)
    }
}

fn one(start: &[u8]) -> Option<Encoded<'_>> {
    let mut rest = start;
    let (number, wire) = decode_key(&mut rest).ok()?;
    let value = rest;
    let mut payload = None;
    if wire == WireType::LengthDelimited {
        let length = usize::try_from(decode_varint(&mut rest).ok()?).ok()?;
        let (inner, behind) = rest.split_at_checked(length)?;
        (payload, rest) = (Some(inner), behind);
    } else {
        skip_field(wire, number, &mut rest, DecodeContext::default()).ok()?;
    }
    let (whole, value) = (&start[..start.len() - rest.len()], &value[..value.len() - rest.len()]);
    Some(Encoded { number, wire, whole, value, payload })
}

/// The field with this number in an encoded message: its payload, or the varint. The last one wins, as protobuf says.
///
/// Bytes that do not decode, and other wire types, count as absent: whoever compiled the IDL has checked them.
pub(crate) fn field(message: &[u8], number: u32) -> Option<Value<'_>> {
    let mut found = None;
    for field in Fields(message) {
        let Encoded { number: tag, wire, mut value, payload, .. } = field?;
        match wire {
            WireType::Varint if tag == number => {
                found = Some(Value::Varint(decode_varint(&mut value).ok()?));
            }
            _ if tag == number => found = payload.map(Value::Bytes).or(found),
            _ => {}
        }
    }
    found
}

/// The payload of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// A number, a bool or an enum.
    Varint(u64),
    /// A string, bytes or a message.
    Bytes(&'a [u8]),
}
