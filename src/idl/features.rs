//! The features of an edition file: what holds for each message, field and enum of it.
//!
//! In: an encoded `FileDescriptorProto`. Out: the tree of its features, resolved as the language says: the defaults of the
//! edition, overruled by what the file sets, then the message, the nested message, the oneof, the field, the enum. Never:
//! judging them. Numbers are those of `google/protobuf/descriptor.proto`.

use std::ops::RangeInclusive;

use prost::Message as _;
use prost::bytes::Bytes;

use super::raw::{self, Value};

/// `google.protobuf.Edition`
pub(super) const EDITION_PROTO2: i32 = 998;
pub(super) const EDITION_PROTO3: i32 = 999;
pub(super) const EDITION_2023: i32 = 1000;
pub(super) const EDITION_2024: i32 = 1001;

/// What can be read; proto2 and proto3 count as editions, too.
pub(crate) const EDITIONS: RangeInclusive<i32> = EDITION_PROTO2..=EDITION_2024;

/// `google.protobuf.FeatureSet`, as far as it has a say in generated code. `json_format`, `enforce_naming_style` and
/// `default_symbol_visibility` do not: they are for JSON, and for the compiler of the IDL.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(super) struct FeatureSet {
    #[prost(enumeration = "FieldPresence", optional, tag = "1")]
    pub field_presence: Option<i32>,
    #[prost(enumeration = "EnumType", optional, tag = "2")]
    pub enum_type: Option<i32>,
    #[prost(enumeration = "RepeatedFieldEncoding", optional, tag = "3")]
    pub repeated_field_encoding: Option<i32>,
    #[prost(enumeration = "Utf8Validation", optional, tag = "4")]
    pub utf8_validation: Option<i32>,
    #[prost(enumeration = "MessageEncoding", optional, tag = "5")]
    pub message_encoding: Option<i32>,
}

/// `FeatureSet.FieldPresence`
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
pub(super) enum FieldPresence {
    Unknown = 0,
    Explicit = 1,
    Implicit = 2,
    LegacyRequired = 3,
}

/// `FeatureSet.EnumType`
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
pub(super) enum EnumType {
    Unknown = 0,
    Open = 1,
    Closed = 2,
}

/// `FeatureSet.RepeatedFieldEncoding`
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
pub(super) enum RepeatedFieldEncoding {
    Unknown = 0,
    Packed = 1,
    Expanded = 2,
}

/// `FeatureSet.Utf8Validation`
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
pub(super) enum Utf8Validation {
    Unknown = 0,
    Verify = 2,
    None = 3,
}

/// `FeatureSet.MessageEncoding`
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
pub(super) enum MessageEncoding {
    Unknown = 0,
    LengthPrefixed = 1,
    Delimited = 2,
}

impl FeatureSet {
    /// `FeatureSetDefaults` of descriptor.proto; nothing for an edition that is not known here.
    pub(super) fn of_edition(edition: i32) -> Option<Self> {
        let (presence, enums, repeated, utf8) = match edition {
            EDITION_PROTO2 => (
                FieldPresence::Explicit,
                EnumType::Closed,
                RepeatedFieldEncoding::Expanded,
                Utf8Validation::None,
            ),
            EDITION_PROTO3 => (
                FieldPresence::Implicit,
                EnumType::Open,
                RepeatedFieldEncoding::Packed,
                Utf8Validation::Verify,
            ),
            EDITION_2023 | EDITION_2024 => (
                FieldPresence::Explicit,
                EnumType::Open,
                RepeatedFieldEncoding::Packed,
                Utf8Validation::Verify,
            ),
            _ => return None,
        };
        Some(Self {
            field_presence: Some(presence.into()),
            enum_type: Some(enums.into()),
            repeated_field_encoding: Some(repeated.into()),
            utf8_validation: Some(utf8.into()),
            message_encoding: Some(MessageEncoding::LengthPrefixed.into()),
        })
    }

    /// These features, overruled by those in the options of something inside. `number` is that of `features` there.
    fn inside(mut self, options: &[u8], number: u32) -> Self {
        if let Some(Value::Bytes(features)) = raw::field(options, number) {
            // To merge one message into another is to let what the second sets overrule the first.
            let _whoever_compiled_it_has_checked_it = self.merge(features);
        }
        self
    }
}

/// The features of a file.
#[derive(Debug, PartialEq)]
pub(super) struct File {
    pub messages: Vec<Message>,
    pub enums: Vec<FeatureSet>,
}

/// The features of a message and of all in it.
#[derive(Debug, PartialEq)]
pub(super) struct Message {
    pub fields: Vec<FeatureSet>,
    pub messages: Vec<Message>,
    pub enums: Vec<FeatureSet>,
}

/// The features of everything in a file of the edition that has these defaults.
pub(super) fn resolve(bytes: &[u8], defaults: FeatureSet) -> Result<File, prost::DecodeError> {
    let file = FileOptions::decode(bytes)?;
    let features = defaults.inside(&file.options, 50);
    Ok(File {
        messages: file.messages.iter().map(|message| message.resolve(features)).collect(),
        enums: file.enums.iter().map(|enumeration| enumeration.resolve(features)).collect(),
    })
}

/// `FileDescriptorProto`, as far as features are set in it; and so are the messages below.
#[derive(Clone, PartialEq, prost::Message)]
struct FileOptions {
    #[prost(message, repeated, tag = "4")]
    messages: Vec<MessageOptions>,
    #[prost(message, repeated, tag = "5")]
    enums: Vec<EnumOptions>,
    #[prost(bytes = "bytes", tag = "8")]
    options: Bytes,
}

/// `DescriptorProto`
#[derive(Clone, PartialEq, prost::Message)]
struct MessageOptions {
    #[prost(message, repeated, tag = "2")]
    fields: Vec<FieldOptions>,
    #[prost(message, repeated, tag = "3")]
    messages: Vec<MessageOptions>,
    #[prost(message, repeated, tag = "4")]
    enums: Vec<EnumOptions>,
    #[prost(bytes = "bytes", tag = "7")]
    options: Bytes,
    #[prost(message, repeated, tag = "8")]
    oneofs: Vec<OneofOptions>,
}

/// `FieldDescriptorProto`
#[derive(Clone, PartialEq, prost::Message)]
struct FieldOptions {
    #[prost(bytes = "bytes", tag = "8")]
    options: Bytes,
    #[prost(int32, optional, tag = "9")]
    oneof: Option<i32>,
}

/// `OneofDescriptorProto`
#[derive(Clone, PartialEq, prost::Message)]
struct OneofOptions {
    #[prost(bytes = "bytes", tag = "2")]
    options: Bytes,
}

/// `EnumDescriptorProto`
#[derive(Clone, PartialEq, prost::Message)]
struct EnumOptions {
    #[prost(bytes = "bytes", tag = "3")]
    options: Bytes,
}

impl MessageOptions {
    fn resolve(&self, outer: FeatureSet) -> Message {
        let features = outer.inside(&self.options, 12);
        let field = |field: &FieldOptions| {
            let oneof = field.oneof.and_then(|oneof| self.oneofs.get(usize::try_from(oneof).ok()?));
            let around = oneof.map_or(features, |oneof| features.inside(&oneof.options, 1));
            around.inside(&field.options, 21)
        };
        Message {
            fields: self.fields.iter().map(field).collect(),
            messages: self.messages.iter().map(|message| message.resolve(features)).collect(),
            enums: self.enums.iter().map(|enumeration| enumeration.resolve(features)).collect(),
        }
    }
}

impl EnumOptions {
    fn resolve(&self, outer: FeatureSet) -> FeatureSet {
        outer.inside(&self.options, 7)
    }
}

#[cfg(test)]
mod tests {
    use prost::encoding::{WireType, encode_key, encode_varint};

    use super::*;

    /// `FeatureSetDefaults.FeatureSetEditionDefault` of descriptor.proto.
    #[derive(Clone, PartialEq, prost::Message)]
    struct EditionDefault {
        #[prost(int32, tag = "3")]
        edition: i32,
        #[prost(message, optional, tag = "4")]
        overridable: Option<FeatureSet>,
        #[prost(message, optional, tag = "5")]
        fixed: Option<FeatureSet>,
    }

    /// `FeatureSetDefaults`
    #[derive(Clone, PartialEq, prost::Message)]
    struct Defaults {
        #[prost(message, repeated, tag = "1")]
        defaults: Vec<EditionDefault>,
    }

    /// protoc's own, which `tests/editions.rs` asks it for.
    const DEFAULTS: &[u8] = include_bytes!("../../tests/editions/defaults.binpb");

    #[test]
    fn defaults_are_those_of_protoc() {
        let defaults = Defaults::decode(DEFAULTS).unwrap().defaults;
        let theirs = |edition: i32| {
            let entry = defaults.iter().rfind(|entry| entry.edition <= edition).unwrap();
            let mut set = entry.fixed.unwrap_or_default();
            set.merge(entry.overridable.unwrap_or_default().encode_to_vec().as_slice()).unwrap();
            Some(set)
        };
        for edition in [EDITION_PROTO2, EDITION_PROTO3, EDITION_2023, EDITION_2024] {
            assert_eq!(FeatureSet::of_edition(edition), theirs(edition), "{edition}");
        }
        assert_eq!(FeatureSet::of_edition(EDITION_2024 + 1), None);
    }

    fn wrap(number: u32, payload: &[u8]) -> Vec<u8> {
        let mut field = Vec::new();
        encode_key(number, WireType::LengthDelimited, &mut field);
        encode_varint(payload.len() as u64, &mut field);
        field.extend_from_slice(payload);
        field
    }

    #[test]
    fn what_is_inside_overrules_what_is_around() {
        let presence = |presence: FieldPresence| {
            FeatureSet { field_presence: Some(presence.into()), ..FeatureSet::default() }.encode_to_vec()
        };
        let closed = FeatureSet { enum_type: Some(EnumType::Closed.into()), ..FeatureSet::default() };
        let plain = wrap(2, b"");
        let required = wrap(2, &wrap(8, &wrap(21, &presence(FieldPresence::LegacyRequired))));
        let in_oneof = wrap(2, &[0x48, 0x00]);
        let oneof = wrap(8, &wrap(2, &wrap(1, &presence(FieldPresence::Explicit))));
        let nested = wrap(3, &[plain.clone(), wrap(4, b"")].concat());
        let options = wrap(7, &wrap(12, &closed.encode_to_vec()));
        let message = wrap(4, &[plain, required, in_oneof, oneof, nested, options].concat());
        let file = [message, wrap(5, b""), wrap(8, &wrap(50, &presence(FieldPresence::Implicit)))].concat();

        let file = resolve(&file, FeatureSet::of_edition(EDITION_2023).unwrap()).unwrap();
        let message = &file.messages[0];
        let fields: Vec<_> = message.fields.iter().map(|field| field.field_presence()).collect();
        assert_eq!(fields, [FieldPresence::Implicit, FieldPresence::LegacyRequired, FieldPresence::Explicit]);
        assert_eq!(message.messages[0].fields[0].field_presence(), FieldPresence::Implicit);
        assert_eq!(message.messages[0].enums[0].enum_type(), EnumType::Closed);
        assert_eq!(file.enums[0].enum_type(), EnumType::Open);
        // What nobody sets is the edition's.
        assert_eq!(file.enums[0].repeated_field_encoding(), RepeatedFieldEncoding::Packed);
    }
}
