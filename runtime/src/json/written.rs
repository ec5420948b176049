//! What is written of a message, map entries in the order of their keys.
//!
//! Types that protobuf gives a form of their own are written by prost-reflect, but for wrappers, which are written as the fields they
//! stand for, and `Any`.

use std::borrow::Cow;

use base64::display::Base64Display;
use base64::prelude::BASE64_STANDARD;
use prost_reflect::{DynamicMessage, Kind, MapKey, ReflectMessage as _, Value};
use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq as _, Serializer};

use super::Form;

/// A message.
pub(super) struct Written<'a>(pub &'a DynamicMessage);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(message) = self;
        match Form::of(message.descriptor().full_name()) {
            Form::Fields => {
                let mut map = serializer.serialize_map(None)?;
                fields(message, &mut map)?;
                map.end()
            }
            Form::Any => any(message, serializer),
            Form::Wrapper => {
                let field = message.descriptor().get_field(1);
                let field = field.ok_or_else(|| S::Error::custom("a wrapper has one field"))?;
                WrittenValue { value: &message.get_field(&field), kind: &field.kind() }.serialize(serializer)
            }
            Form::Own => message.serialize(serializer),
        }
    }
}

/// The fields that are there, each under its name in JSON.
fn fields<M: SerializeMap>(message: &DynamicMessage, map: &mut M) -> Result<(), M::Error> {
    for (field, value) in message.fields() {
        map.serialize_entry(field.json_name(), &WrittenValue { value, kind: &field.kind() })?;
    }
    Ok(())
}

/// A message of a type that its URL tells, beside its fields; where that has a form of its own, beside that.
fn any<S: Serializer>(message: &DynamicMessage, serializer: S) -> Result<S::Ok, S::Error> {
    let url = message.get_field_by_number(1);
    let url = url.as_deref().and_then(Value::as_str).unwrap_or_default();
    let encoded = message.get_field_by_number(2);
    let encoded = encoded.as_deref().and_then(Value::as_bytes).cloned().unwrap_or_default();
    let mut map = serializer.serialize_map(None)?;
    if url.is_empty() && encoded.is_empty() {
        return map.end();
    }
    let held = super::held_by_any(&message.descriptor(), url).map_err(S::Error::custom)?;
    let form = Form::of(held.full_name());
    let message = DynamicMessage::decode(held, encoded).map_err(S::Error::custom)?;
    map.serialize_entry("@type", url)?;
    match form {
        Form::Fields => fields(&message, &mut map)?,
        _ => map.serialize_entry("value", &Written(&message))?,
    }
    map.end()
}

/// The value of a field.
struct WrittenValue<'a> {
    value: &'a Value,
    kind: &'a Kind,
}

impl Serialize for WrittenValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { value, kind } = self;
        match value {
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::I32(value) => serializer.serialize_i32(*value),
            Value::U32(value) => serializer.serialize_u32(*value),
            // Readers of JSON may have no integers but those that a double holds.
            Value::I64(value) => serializer.collect_str(value),
            Value::U64(value) => serializer.collect_str(value),
            Value::F32(value) if value.is_finite() => serializer.serialize_f32(*value),
            Value::F32(value) => serializer.serialize_str(no_number((*value).into())),
            Value::F64(value) if value.is_finite() => serializer.serialize_f64(*value),
            Value::F64(value) => serializer.serialize_str(no_number(*value)),
            Value::String(value) => serializer.serialize_str(value),
            Value::Bytes(value) => serializer.collect_str(&Base64Display::new(value, &BASE64_STANDARD)),
            Value::EnumNumber(number) => enumeration(*number, kind, serializer),
            Value::Message(message) => Written(message).serialize(serializer),
            Value::List(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    list.serialize_element(&WrittenValue { value, kind })?;
                }
                list.end()
            }
            Value::Map(entries) => {
                let kind = kind.as_message().map(|entry| entry.map_entry_value_field().kind());
                let kind = kind.unwrap_or(Kind::String);
                let mut entries: Vec<_> = entries.iter().collect();
                entries.sort_by_key(|(key, _)| *key);
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(&key_text(key), &WrittenValue { value, kind: &kind })?;
                }
                map.end()
            }
        }
    }
}

fn no_number(value: f64) -> &'static str {
    match value {
        f64::INFINITY => "Infinity",
        f64::NEG_INFINITY => "-Infinity",
        _ => "NaN",
    }
}

/// By its name, or by its number where the IDL has no name for it.
fn enumeration<S: Serializer>(number: i32, kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
    let Some(declared) = kind.as_enum() else { return serializer.serialize_i32(number) };
    match declared.get_value(number) {
        _ if declared.full_name() == "google.protobuf.NullValue" => serializer.serialize_none(),
        Some(value) => serializer.serialize_str(value.name()),
        None => serializer.serialize_i32(number),
    }
}

fn key_text(key: &MapKey) -> Cow<'_, str> {
    match key {
        MapKey::Bool(key) => key.to_string().into(),
        MapKey::I32(key) => key.to_string().into(),
        MapKey::I64(key) => key.to_string().into(),
        MapKey::U32(key) => key.to_string().into(),
        MapKey::U64(key) => key.to_string().into(),
        MapKey::String(key) => key.into(),
    }
}
