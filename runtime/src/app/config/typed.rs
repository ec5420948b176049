//! Reads typed settings out of a tree of [`Value`]s.
//!
//! In: a value and the full name of the key it stands under. Out: any `T: Deserialize`, or an error that names the
//! key and the place. A key that a struct does not have is an error whether or not the struct says
//! `deny_unknown_fields`, so a typing error is never just ignored.

use serde::de::value::StrDeserializer;
use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::ConfigError;
use super::value::{Data, Entry, Origin, Table, Value};

/// Reads a `T` from `value`, which stands under `path`.
pub(super) fn read<T: DeserializeOwned>(path: &str, value: &Value) -> Result<T, ConfigError> {
    T::deserialize(At { path: path.to_owned(), value })
}

/// `server.address`
pub(super) fn join(table: &str, key: &str) -> String {
    if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") }
}

/// A value that is being read, and its name.
struct At<'v> {
    path: String,
    value: &'v Value,
}

impl<'v> At<'v> {
    /// Lets the visitor have the value as it is.
    fn visit<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, ConfigError> {
        match &self.value.data {
            Data::Bool(flag) => visitor.visit_bool(*flag),
            Data::Integer(number) => visitor.visit_i64(*number),
            Data::Float(number) => visitor.visit_f64(*number),
            Data::String(text) | Data::Text(text) => visitor.visit_str(text),
            Data::List(items) => {
                visitor.visit_seq(Items { path: &self.path, items: items.iter().enumerate() })
            }
            Data::Table(table) => {
                visitor.visit_map(Entries { path: &self.path, entries: table.iter(), value: None })
            }
        }
    }

    /// The same value with the text of a variable read as TOML, or left as it is if it is none.
    fn literal(&self) -> Value {
        if let Data::Text(text) = &self.value.data
            && let Ok(Value { data: Data::Table(mut table), .. }) =
                Value::parse("", &format!("value = {text}"))
            && table.len() == 1
            && let Some(entry) = table.remove("value")
        {
            return Value {
                origin: self.value.origin.clone(),
                data: within(entry.value.data, &self.value.origin),
            };
        }
        self.value.clone()
    }

    /// Reads the value as `literal` says it is.
    fn visit_literal<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, ConfigError> {
        let read = match &self.value.data {
            Data::Text(_) => At { path: self.path.clone(), value: &self.literal() }.visit(visitor),
            _ => self.visit(visitor),
        };
        self.located(read)
    }

    /// Says in an error which key it is about, unless it is about one inside of this.
    fn located<T>(&self, read: Result<T, ConfigError>) -> Result<T, ConfigError> {
        read.map_err(|error| error.about(&self.path, &self.value.origin))
    }

    /// Reads the value as the seed says. What a type finds wrong after it was read is about this key, too.
    fn seed<'de, T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ConfigError> {
        let (path, value) = (self.path.clone(), self.value);
        seed.deserialize(self).map_err(|error| error.about(&path, &value.origin))
    }

    fn known_keys_only(&self, table: &Table, known: &[&str]) -> Result<(), ConfigError> {
        match table.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            Some((key, entry)) => Err(ConfigError::unknown_key(&entry.key, &self.path, key, known)),
            None => Ok(()),
        }
    }
}

/// Everything inside of a variable's text was written in that variable.
fn within(data: Data, origin: &Origin) -> Data {
    let moved = |value: Value| Value { origin: origin.clone(), data: within(value.data, origin) };
    match data {
        Data::List(items) => Data::List(items.into_iter().map(moved).collect()),
        Data::Table(table) => Data::Table(
            table
                .into_iter()
                .map(|(key, mut entry)| {
                    entry.key = origin.clone();
                    entry.value = moved(entry.value);
                    (key, entry)
                })
                .collect(),
        ),
        other => other,
    }
}

impl<'de> serde::Deserializer<'de> for At<'_> {
    type Error = ConfigError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        self.visit_literal(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        // Here the text of a variable is what is wanted, also if it looks like a number.
        self.located(self.visit(visitor))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ConfigError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConfigError> {
        let value = self.literal();
        let at = At { path: self.path, value: &value };
        if let Data::Table(table) = &value.data {
            at.known_keys_only(table, fields)?;
        }
        at.located(at.visit(visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConfigError> {
        let value = self.literal();
        let at = At { path: self.path, value: &value };
        let read = match &value.data {
            Data::String(name) | Data::Text(name) => visitor.visit_enum(name.as_str().into_deserializer()),
            Data::Table(table) if table.len() == 1 => visitor.visit_enum(Variant { path: &at.path, table }),
            _ => at.visit(visitor),
        };
        at.located(read)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

/// The items of a list.
struct Items<'v> {
    path: &'v str,
    items: std::iter::Enumerate<std::slice::Iter<'v, Value>>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = ConfigError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ConfigError> {
        let Some((index, value)) = self.items.next() else { return Ok(None) };
        let at = At { path: format!("{}[{index}]", self.path), value };
        at.seed(seed).map(Some)
    }
}

/// The keys and values of a table.
struct Entries<'v> {
    path: &'v str,
    entries: std::collections::btree_map::Iter<'v, String, Entry>,
    /// The value of the key that was read last.
    value: Option<At<'v>>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = ConfigError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ConfigError> {
        let Some((name, entry)) = self.entries.next() else { return Ok(None) };
        let path = join(self.path, name);
        self.value = Some(At { path: path.clone(), value: &entry.value });
        seed.deserialize(Key { name, path, origin: &entry.key }).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ConfigError> {
        match self.value.take() {
            Some(at) => at.seed(seed),
            None => Err(serde::de::Error::custom("a value was asked for before its key")),
        }
    }
}

/// A key of a table, read as a value: it may be the name of a variant.
struct Key<'v> {
    name: &'v str,
    path: String,
    origin: &'v Origin,
}

impl<'de> serde::Deserializer<'de> for Key<'_> {
    type Error = ConfigError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        visitor.visit_str(self.name).map_err(|error: ConfigError| error.about(&self.path, self.origin))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConfigError> {
        let name: StrDeserializer<'_, ConfigError> = self.name.into_deserializer();
        visitor.visit_enum(name).map_err(|error| error.about(&self.path, self.origin))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// An enum written as a table of one key: `limit = { per_second = 10 }`.
struct Variant<'v> {
    path: &'v str,
    table: &'v Table,
}

impl<'de, 'v> EnumAccess<'de> for Variant<'v> {
    type Error = ConfigError;
    type Variant = At<'v>;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, At<'v>), ConfigError> {
        let Some((name, entry)) = self.table.first_key_value() else {
            return Err(serde::de::Error::custom("names no variant"));
        };
        let content = At { path: join(self.path, name), value: &entry.value };
        let key = Key { name, path: content.path.clone(), origin: &entry.key };
        Ok((seed.deserialize(key)?, content))
    }
}

impl<'de> VariantAccess<'de> for At<'_> {
    type Error = ConfigError;

    fn unit_variant(self) -> Result<(), ConfigError> {
        <()>::deserialize(self)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ConfigError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ConfigError> {
        serde::Deserializer::deserialize_any(self, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConfigError> {
        serde::Deserializer::deserialize_struct(self, "", fields, visitor)
    }
}
