//! The fields that are not to be shown: `FieldOptions.debug_redact` of descriptor.proto, which `prost_types` does not know.

use std::collections::BTreeSet;

use prost::Message as _;
use prost::bytes::Bytes;

use super::raw::{self, Value};
use crate::names;

/// `FieldOptions.debug_redact`
const DEBUG_REDACT: u32 = 16;

/// The key of that field as a varint, and `true`.
const ENCODED: [u8; 3] = [0x80, 0x01, 0x01];

/// The parts of `FileDescriptorProto` that lead to the options of fields.
#[derive(Clone, PartialEq, prost::Message)]
struct File {
    #[prost(string, tag = "2")]
    package: String,
    #[prost(message, repeated, tag = "4")]
    messages: Vec<Declared>,
}

/// `DescriptorProto`
#[derive(Clone, PartialEq, prost::Message)]
struct Declared {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    fields: Vec<Field>,
    #[prost(message, repeated, tag = "3")]
    messages: Vec<Declared>,
}

/// `FieldDescriptorProto`
#[derive(Clone, PartialEq, prost::Message)]
struct Field {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(bytes = "bytes", tag = "8")]
    options: Bytes,
}

/// The full names of the fields of an encoded file that have the option.
pub(super) fn fields(file: &[u8]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    // Hardly any file has one, and then it need not be decoded once more.
    if file.windows(ENCODED.len()).any(|bytes| bytes == ENCODED)
        && let Ok(file) = File::decode(file)
    {
        file.messages.iter().for_each(|message| note(&file.package, message, &mut found));
    }
    found
}

fn note(scope: &str, message: &Declared, found: &mut BTreeSet<String>) {
    let full_name = names::full(scope, &message.name);
    let redacted = message.fields.iter().filter(
        |field| matches!(raw::field(&field.options, DEBUG_REDACT), Some(Value::Varint(yes)) if yes != 0),
    );
    found.extend(redacted.map(|field| names::full(&full_name, &field.name)));
    message.messages.iter().for_each(|nested| note(&full_name, nested, found));
}
