//! Messages as the JSON of protobuf's own mapping, by what the IDL says of them.
//!
//! In: a message, or what serde reads. Out: what serde writes, or a message. Both go through the wire format, because only that is
//! known of every message: it may be of another crate, or written by hand.

use std::fmt;
use std::sync::OnceLock;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, ReflectMessage as _};
use serde::de::{DeserializeSeed as _, Deserializer, Error as _, Visitor};
use serde::ser::{Error as _, Serializer};

mod read;
mod scalar;
mod written;

use read::Read;
use written::Written;

/// What the IDL says of the messages of a package; read when somebody asks for it.
#[derive(Debug)]
pub struct Schema {
    descriptors: &'static [u8],
    pool: OnceLock<Result<DescriptorPool, String>>,
}

impl Schema {
    /// By an encoded `FileDescriptorSet` without protobuf's own files.
    #[must_use]
    pub const fn new(descriptors: &'static [u8]) -> Self {
        Self { descriptors, pool: OnceLock::new() }
    }

    fn message(&self, name: &str) -> Result<MessageDescriptor, String> {
        let pool = self.pool.get_or_init(|| {
            // One that has protobuf's own files.
            let mut pool = ().descriptor().parent_pool().clone();
            let added = pool.decode_file_descriptor_set(self.descriptors);
            added.map(|()| pool).map_err(|error| error.to_string())
        });
        let descriptor = pool.as_ref().map_err(Clone::clone)?.get_message_by_name(name);
        descriptor.ok_or_else(|| format!("there is no descriptor of `{name}`"))
    }
}

/// How a message looks in JSON.
enum Form {
    /// An object with its fields.
    Fields,
    /// An object with the fields of another message.
    Any,
    /// As the field that it stands for.
    Wrapper,
    /// As protobuf says of it alone.
    Own,
}

impl Form {
    fn of(message: &str) -> Self {
        match message.strip_prefix("google.protobuf.") {
            Some("Any") => Self::Any,
            Some(
                "BoolValue" | "BytesValue" | "DoubleValue" | "FloatValue" | "Int32Value" | "Int64Value"
                | "StringValue" | "UInt32Value" | "UInt64Value",
            ) => Self::Wrapper,
            Some("Duration" | "Empty" | "FieldMask" | "ListValue" | "Struct" | "Timestamp" | "Value") => {
                Self::Own
            }
            _ => Self::Fields,
        }
    }
}

/// The type of what an `Any` holds.
fn held_by_any(any: &MessageDescriptor, url: &str) -> Result<MessageDescriptor, String> {
    let name = url.rsplit('/').next().unwrap_or_default();
    any.parent_pool().get_message_by_name(name).ok_or_else(|| {
        format!("`{name}`, which an `Any` holds, is neither in this package nor in what its IDL imports")
    })
}

/// Writes the message that is called `name` in the IDL.
///
/// # Errors
/// For an `Any` of a type that the schema does not have, and for what JSON has no words for: a time before the year 1.
pub fn serialize<M: Message, S: Serializer>(
    schema: &Schema,
    name: &str,
    message: &M,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serialize_encoded(schema, name, &message.encode_to_vec(), serializer)
}

fn serialize_encoded<S: Serializer>(
    schema: &Schema,
    name: &str,
    encoded: &[u8],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let descriptor = schema.message(name).map_err(S::Error::custom)?;
    let message = DynamicMessage::decode(descriptor, encoded).map_err(S::Error::custom)?;
    serde::Serialize::serialize(&Written(&message), serializer)
}

/// Reads the message that is called `name` in the IDL.
///
/// # Errors
/// For what the mapping does not allow.
pub fn deserialize<'de, M: Message + Default, D: Deserializer<'de>>(
    schema: &Schema,
    name: &str,
    deserializer: D,
) -> Result<M, D::Error> {
    let encoded = deserialize_encoded(schema, name, deserializer)?;
    M::decode(encoded.as_slice()).map_err(D::Error::custom)
}

fn deserialize_encoded<'de, D: Deserializer<'de>>(
    schema: &Schema,
    name: &str,
    deserializer: D,
) -> Result<Vec<u8>, D::Error> {
    let descriptor = schema.message(name).map_err(D::Error::custom)?;
    Ok(Read(&descriptor).deserialize(deserializer)?.encode_to_vec())
}

/// Reads a value of the enum that is called `name` in the IDL: its name, or its number.
///
/// # Errors
/// For values that the enum does not have.
pub fn deserialize_enum<'de, E: TryFrom<i32>, D: Deserializer<'de>>(
    name: &'static str,
    named: fn(&str) -> Option<E>,
    deserializer: D,
) -> Result<E, D::Error> {
    deserializer.deserialize_any(EnumVisitor { name, named })
}

struct EnumVisitor<E> {
    name: &'static str,
    named: fn(&str) -> Option<E>,
}

impl<E: TryFrom<i32>> Visitor<'_> for EnumVisitor<E> {
    type Value = E;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name or the number of a value of `{}`", self.name)
    }

    fn visit_str<X: serde::de::Error>(self, text: &str) -> Result<E, X> {
        (self.named)(text).ok_or_else(|| X::custom(format!("`{}` has no value `{text}`", self.name)))
    }

    fn visit_i64<X: serde::de::Error>(self, number: i64) -> Result<E, X> {
        let value = i32::try_from(number).ok().and_then(|number| E::try_from(number).ok());
        value.ok_or_else(|| X::custom(format!("`{}` has no value {number}", self.name)))
    }

    fn visit_u64<X: serde::de::Error>(self, number: u64) -> Result<E, X> {
        self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
    }
}
