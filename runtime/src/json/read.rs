//! What is read as a message. Types that protobuf gives a form of their own are read by prost-reflect, but for wrappers, which are
//! read as the fields they stand for, and `Any`.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};
use serde::de::value::MapDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, Error, IntoDeserializer as _, MapAccess, SeqAccess, Unexpected, Visitor,
};

use super::Form;
use super::scalar::Scalar;

/// A message.
pub(super) struct Read<'a>(pub &'a MessageDescriptor);

impl<'de> DeserializeSeed<'de> for Read<'_> {
    type Value = DynamicMessage;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<DynamicMessage, D::Error> {
        match Form::of(self.0.full_name()) {
            Form::Fields => deserializer.deserialize_map(self),
            Form::Any => deserializer.deserialize_map(ReadAny(self.0)),
            Form::Wrapper => {
                let mut message = DynamicMessage::new(self.0.clone());
                if let Some(field) = self.0.get_field(1) {
                    message.set_field(
                        &field,
                        One { kind: &field.kind(), field: &field }.deserialize(deserializer)?,
                    );
                }
                Ok(message)
            }
            Form::Own => self.0.clone().deserialize(deserializer),
        }
    }
}

impl<'de> Visitor<'de> for Read<'_> {
    type Value = DynamicMessage;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the fields of `{}`", self.0.full_name())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DynamicMessage, A::Error> {
        let mut message = DynamicMessage::new(self.0.clone());
        while let Some(key) = map.next_key::<String>()? {
            let field = self.0.get_field_by_json_name(&key).or_else(|| self.0.get_field_by_name(&key));
            let Some(field) = field else {
                return Err(A::Error::custom(format!("`{}` has no field `{key}`", self.0.full_name())));
            };
            let Some(value) = map.next_value_seed(Field(&field))? else { continue };
            if let Some(oneof) = field.containing_oneof()
                && let Some(other) = oneof.fields().find(|other| message.has_field(other))
            {
                return Err(A::Error::custom(format!(
                    "`{}` and `{}` are both given, of which `{}` holds one",
                    other.name(),
                    field.name(),
                    oneof.full_name()
                )));
            }
            message.set_field(&field, value);
        }
        Ok(message)
    }
}

/// What a field holds; nothing, if that is null.
struct Field<'a>(&'a FieldDescriptor);

impl<'de> DeserializeSeed<'de> for Field<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Value>, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Field<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value for `{}`", self.0.full_name())
    }

    fn visit_unit<E: Error>(self) -> Result<Option<Value>, E> {
        self.visit_none()
    }

    /// Null says nothing, but for what has a word for null.
    fn visit_none<E: Error>(self) -> Result<Option<Value>, E> {
        match self.0.kind() {
            kind if self.0.is_list() || self.0.is_map() || !has_null(&kind) => Ok(None),
            kind => One { kind: &kind, field: self.0 }.deserialize(().into_deserializer()).map(Some),
        }
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Value>, D::Error> {
        let kind = &self.0.kind();
        let value = match kind {
            Kind::Message(entry) if self.0.is_map() => {
                deserializer.deserialize_map(Entries { entry, field: self.0 })
            }
            _ if self.0.is_list() => deserializer.deserialize_seq(List { kind, field: self.0 }),
            _ => One { kind, field: self.0 }.deserialize(deserializer),
        };
        value.map(Some)
    }
}

fn has_null(kind: &Kind) -> bool {
    match kind {
        Kind::Message(message) => message.full_name() == "google.protobuf.Value",
        Kind::Enum(declared) => declared.full_name() == "google.protobuf.NullValue",
        _ => false,
    }
}

/// One value of a field.
struct One<'a> {
    kind: &'a Kind,
    field: &'a FieldDescriptor,
}

impl<'de> DeserializeSeed<'de> for One<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.kind {
            Kind::Message(message) => Read(message).deserialize(deserializer).map(Value::Message),
            kind => deserializer.deserialize_any(Scalar { kind, field: self.field }),
        }
    }
}

struct List<'a> {
    kind: &'a Kind,
    field: &'a FieldDescriptor,
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list for `{}`", self.field.full_name())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(One { kind: self.kind, field: self.field })? {
            values.push(value);
        }
        Ok(Value::List(values))
    }
}

struct Entries<'a> {
    entry: &'a MessageDescriptor,
    field: &'a FieldDescriptor,
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object for the map `{}`", self.field.full_name())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let key_kind = self.entry.map_entry_key_field().kind();
        let kind = &self.entry.map_entry_value_field().kind();
        let mut entries = HashMap::new();
        while let Some(text) = map.next_key::<String>()? {
            let Some(key) = map_key(&key_kind, &text) else {
                let expected = format!("a key of the map `{}`", self.field.full_name());
                return Err(A::Error::invalid_value(Unexpected::Str(&text), &expected.as_str()));
            };
            entries.insert(key, map.next_value_seed(One { kind, field: self.field })?);
        }
        Ok(Value::Map(entries))
    }
}

fn map_key(kind: &Kind, text: &str) -> Option<MapKey> {
    match kind {
        Kind::String => Some(MapKey::String(text.to_owned())),
        Kind::Bool => text.parse().ok().map(MapKey::Bool),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => text.parse().ok().map(MapKey::I32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => text.parse().ok().map(MapKey::I64),
        Kind::Uint32 | Kind::Fixed32 => text.parse().ok().map(MapKey::U32),
        Kind::Uint64 | Kind::Fixed64 => text.parse().ok().map(MapKey::U64),
        _ => None,
    }
}

struct ReadAny<'a>(&'a MessageDescriptor);

impl<'de> Visitor<'de> for ReadAny<'_> {
    type Value = DynamicMessage;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a type's URL as `@type`")
    }

    /// The URL may come last, so everything is kept until it is there.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DynamicMessage, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<String, serde_value::Value>()? {
            entries.insert(key, value);
        }
        let mut any = DynamicMessage::new(self.0.clone());
        if entries.is_empty() {
            return Ok(any);
        }
        let Some(serde_value::Value::String(url)) = entries.remove("@type") else {
            return Err(A::Error::missing_field("@type"));
        };
        let held = super::held_by_any(self.0, &url).map_err(A::Error::custom)?;
        let message = match (Form::of(held.full_name()), entries.remove("value")) {
            (Form::Fields, value) => {
                entries.extend(value.map(|value| ("value".to_owned(), value)));
                Read(&held).visit_map(MapDeserializer::new(entries.into_iter()))
            }
            (_, None) => Err(serde_value::DeserializerError::missing_field("value")),
            (_, Some(_)) if !entries.is_empty() => Err(serde_value::DeserializerError::custom(format!(
                "an `Any` of `{url}` has no more than a `value`"
            ))),
            (_, Some(value)) => Read(&held).deserialize(value),
        };
        let encoded = message.map_err(A::Error::custom)?.encode_to_vec();
        any.set_field_by_number(1, Value::String(url));
        any.set_field_by_number(2, Value::Bytes(encoded.into()));
        Ok(any)
    }
}
