//! Numbers, texts, bytes and enums, in every way in which JSON may say them.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use prost_reflect::{FieldDescriptor, Kind, Value};
use serde::de::{Error, Unexpected, Visitor};

/// A value of one of those kinds.
pub(super) struct Scalar<'a> {
    pub kind: &'a Kind,
    pub field: &'a FieldDescriptor,
}

impl Scalar<'_> {
    fn integer(&self, number: i128) -> Option<Value> {
        match self.kind {
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => number.try_into().ok().map(Value::I32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => number.try_into().ok().map(Value::I64),
            Kind::Uint32 | Kind::Fixed32 => number.try_into().ok().map(Value::U32),
            Kind::Uint64 | Kind::Fixed64 => number.try_into().ok().map(Value::U64),
            _ => None,
        }
    }

    fn number(&self, number: f64) -> Option<Value> {
        match self.kind {
            Kind::Double => Some(Value::F64(number)),
            // What is too big for a float is no float.
            Kind::Float => Some(number as f32).filter(|single| single.is_finite()).map(Value::F32),
            _ if number.fract() == 0.0 => self.integer(number as i128),
            _ => None,
        }
    }

    fn text(&self, text: &str) -> Option<Value> {
        match self.kind {
            Kind::String => Some(Value::String(text.to_owned())),
            Kind::Bytes => base64(text).map(|bytes| Value::Bytes(bytes.into())),
            Kind::Enum(declared) => {
                declared.get_value_by_name(text).map(|value| Value::EnumNumber(value.number()))
            }
            Kind::Double => no_number(text).or_else(|| decimal(text)).map(Value::F64),
            Kind::Float => match no_number(text) {
                Some(number) => Some(Value::F32(number as f32)),
                None => decimal(text).and_then(|number| self.number(number)),
            },
            _ => match text.parse() {
                Ok(number) => self.integer(number),
                Err(_) => decimal(text).and_then(|number| self.number(number)),
            },
        }
    }
}

impl Visitor<'_> for Scalar<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Enum(declared) => write!(f, "a value of `{}`", declared.full_name())?,
            Kind::Bytes => f.write_str("bytes in base64")?,
            kind => write!(f, "{kind:?}")?,
        }
        write!(f, " for `{}`", self.field.full_name())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        match self.kind {
            Kind::Enum(declared) if declared.full_name() == "google.protobuf.NullValue" => {
                Ok(Value::EnumNumber(0))
            }
            _ => Err(E::invalid_type(Unexpected::Unit, &self)),
        }
    }

    fn visit_bool<E: Error>(self, yes: bool) -> Result<Value, E> {
        match self.kind {
            Kind::Bool => Ok(Value::Bool(yes)),
            _ => Err(E::invalid_type(Unexpected::Bool(yes), &self)),
        }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        let value = match self.kind {
            // A number that the enum does not name is one of a later version.
            Kind::Enum(_) => number.try_into().ok().map(Value::EnumNumber),
            Kind::Double | Kind::Float => self.number(number as f64),
            _ => self.integer(number.into()),
        };
        value.ok_or_else(|| self.refused(Unexpected::Signed(number)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        match i64::try_from(number) {
            Ok(number) => self.visit_i64(number),
            Err(_) => {
                let value = self.integer(number.into()).or_else(|| self.number(number as f64));
                value.ok_or_else(|| self.refused(Unexpected::Unsigned(number)))
            }
        }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        self.number(number).ok_or_else(|| self.refused(Unexpected::Float(number)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        self.text(text).ok_or_else(|| self.refused(Unexpected::Str(text)))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        match self.kind {
            Kind::String => Ok(Value::String(text)),
            _ => self.visit_str(&text),
        }
    }
}

impl Scalar<'_> {
    fn refused<E: Error>(&self, found: Unexpected<'_>) -> E {
        E::invalid_value(found, self)
    }
}

fn no_number(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// What JSON would take for a number; Rust takes `inf`, too.
fn decimal(text: &str) -> Option<f64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    text.parse().ok().filter(|number: &f64| is_plain && number.is_finite())
}

/// Of either alphabet, with padding or without.
fn base64(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, LENIENT).decode(text).ok()
}
