//! Settings as they were written, each with the place it was written at.
//!
//! In: the text of a TOML file, environment variables, flags. Out: one tree of [`Value`]s, the environment over the file
//! and flags over both.
//! Never: knowing which settings exist; that is said by the types they are read into (`typed`).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigError;

/// Where a setting was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Origin {
    /// Nowhere: it has its default.
    #[default]
    Nowhere,
    /// `config/app.toml:7:1`
    File { file: Arc<str>, line: usize, column: usize },
    /// `JOVIAN_SERVER__ADDRESS`
    Environment { name: Arc<str> },
    /// `--set server.address=..`
    Flag { key: Arc<str> },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("the configuration"),
            Self::File { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Self::Environment { name } => write!(f, "environment variable {name}"),
            Self::Flag { key } => write!(f, "flag --set {key}"),
        }
    }
}

/// A setting, a list or a table of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Value {
    pub(super) origin: Origin,
    pub(super) data: Data,
}

#[derive(Clone, Debug)]
pub(super) enum Data {
    Bool(bool),
    Integer(i64),
    Float(f64),
    /// A string, or a date.
    String(String),
    /// The text of an environment variable or a flag. What it is, is decided by the type that it is read into.
    Text(String),
    List(Vec<Value>),
    Table(Table),
}

pub(super) type Table = BTreeMap<String, Entry>;

/// What a key of a table leads to.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Where the key itself was written.
    pub(super) key: Origin,
    pub(super) value: Value,
}

impl Default for Data {
    fn default() -> Self {
        Self::Table(Table::new())
    }
}

/// What an environment variable that is a setting starts with.
const PREFIX: &str = "JOVIAN_";
/// What stands between the keys of a path.
const SEPARATOR: &str = "__";

impl Value {
    /// The tree of a TOML text, which came from `file`.
    pub(super) fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        let places = Places { file: file.into(), text };
        let table = DeTable::parse(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            ConfigError::new(places.at(offset), error.message())
        })?;
        places.table(table.get_ref()).map(|table| Self { origin: places.at(0), data: Data::Table(table) })
    }

    /// Lays the variables that are settings (`JOVIAN_SERVER__ADDRESS`) over the tree.
    pub(super) fn overlay(
        &mut self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<(), ConfigError> {
        let settings: BTreeMap<OsString, OsString> =
            variables.into_iter().filter(|(name, _)| is_setting(name)).collect();
        for (name, text) in settings {
            let name = name.to_string_lossy();
            let origin = Origin::Environment { name: name.as_ref().into() };
            let path: Vec<&str> = path_of(&name).into_iter().flat_map(|path| path.split(SEPARATOR)).collect();
            if path.iter().any(|key| key.is_empty()) {
                return Err(ConfigError::new(origin, "a key between two `__` is empty"));
            }
            let text = text.into_string().map_err(|_| ConfigError::new(origin.clone(), "is not UTF-8"))?;
            self.put(&path, &origin, text);
        }
        Ok(())
    }

    /// Lays one setting over the tree, by a key as TOML writes it: `server.address`.
    pub(super) fn set(&mut self, key: &str, text: String) -> Result<(), ConfigError> {
        let origin = Origin::Flag { key: key.into() };
        let unreadable = || ConfigError::new(origin.clone(), "is no key, such as `server.address`");
        let parsed = Self::parse("", &format!("{key} = 0")).map_err(|_| unreadable())?;
        let path = parsed.only_path().ok_or_else(unreadable)?;
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        self.put(&path, &origin, text);
        Ok(())
    }

    /// The keys on the way to the only leaf of a tree.
    fn only_path(&self) -> Option<Vec<String>> {
        let (mut path, mut here) = (Vec::new(), self);
        while let Data::Table(table) = &here.data {
            let (key, entry) = table.first_key_value().filter(|_| table.len() == 1)?;
            path.push(key.clone());
            here = &entry.value;
        }
        Some(path)
    }

    /// Where the setting at `path` was written: its own place, else that of what it is in.
    pub(super) fn origin_of(&self, path: &[String]) -> &Origin {
        let Some((key, rest)) = path.split_first() else { return &self.origin };
        match &self.data {
            Data::Table(table) => {
                table.get(key).map_or(&Origin::Nowhere, |entry| entry.value.origin_of(rest))
            }
            _ => &self.origin,
        }
    }

    /// Puts `text` where `path` leads, making tables on the way.
    fn put(&mut self, path: &[&str], origin: &Origin, text: String) {
        let Some((key, rest)) = path.split_first() else {
            *self = Self { origin: origin.clone(), data: Data::Text(text) };
            return;
        };
        if !matches!(self.data, Data::Table(_)) {
            *self = Self { origin: origin.clone(), data: Data::default() };
        }
        if let Data::Table(table) = &mut self.data {
            let name = name_in(table, key, origin);
            table
                .entry(name)
                .or_insert_with(|| Entry {
                    key: origin.clone(),
                    value: Self { origin: origin.clone(), data: Data::default() },
                })
                .value
                .put(rest, origin, text);
        }
    }
}

/// What a key is called in a table. One of a variable is met whatever its case; a new one is in lower case, as keys are.
fn name_in(table: &Table, key: &str, origin: &Origin) -> String {
    if matches!(origin, Origin::Flag { .. }) {
        return key.to_owned();
    }
    let known = table.keys().find(|known| known.eq_ignore_ascii_case(key)).cloned();
    known.unwrap_or_else(|| key.to_ascii_lowercase())
}

/// Whether a variable is meant as a setting: `JOVIAN_SERVER__ADDRESS`.
pub(super) fn is_setting(variable: &OsString) -> bool {
    variable.to_str().is_some_and(|name| path_of(name).is_some())
}

/// `SERVER__ADDRESS` of `JOVIAN_SERVER__ADDRESS`; nothing of a variable that is no setting.
fn path_of(name: &str) -> Option<&str> {
    name.strip_prefix(PREFIX).filter(|path| path.contains(SEPARATOR))
}

/// Turns offsets of a text into lines and columns.
struct Places<'t> {
    file: Arc<str>,
    text: &'t str,
}

impl Places<'_> {
    fn at(&self, offset: usize) -> Origin {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Origin::File {
            file: self.file.clone(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    fn table(&self, table: &DeTable<'_>) -> Result<Table, ConfigError> {
        table
            .iter()
            .map(|(key, value)| {
                let entry = Entry { key: self.at(key.span().start), value: self.value(value)? };
                Ok((key.get_ref().to_string(), entry))
            })
            .collect()
    }

    fn value(&self, value: &Spanned<DeValue<'_>>) -> Result<Value, ConfigError> {
        let origin = self.at(value.span().start);
        let data = match value.get_ref() {
            DeValue::String(text) => Data::String(text.to_string()),
            DeValue::Datetime(date) => Data::String(date.to_string()),
            DeValue::Boolean(flag) => Data::Bool(*flag),
            DeValue::Integer(number) => {
                Data::Integer(i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| {
                    ConfigError::new(origin.clone(), format!("`{}` does not fit 64 bits", number.as_str()))
                })?)
            }
            DeValue::Float(number) => Data::Float(number.as_str().parse().map_err(|_| {
                ConfigError::new(origin.clone(), format!("`{}` is not a number", number.as_str()))
            })?),
            DeValue::Array(items) => {
                Data::List(items.iter().map(|item| self.value(item)).collect::<Result<_, _>>()?)
            }
            DeValue::Table(table) => Data::Table(self.table(table)?),
        };
        Ok(Value { origin, data })
    }
}
