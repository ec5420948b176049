//! What a person is told about a configuration that cannot be used.

use std::error::Error;
use std::fmt;
use std::io;

use super::value::Origin;

/// A configuration that cannot be used: what is wrong, and where it was written.
///
/// ```text
/// config/app.toml:7:1: unknown key `server.adress`; known keys of [server]: `address`, ..
/// ```
#[derive(Debug)]
pub struct ConfigError {
    origin: Origin,
    /// The full name of the setting, if it is about one: `server.address`.
    key: String,
    message: String,
    /// Whether the message says the key already.
    names_key: bool,
    source: Option<io::Error>,
}

impl ConfigError {
    pub(super) fn new(origin: Origin, message: impl Into<String>) -> Self {
        Self { origin, key: String::new(), message: message.into(), names_key: false, source: None }
    }

    /// The process was started with arguments that mean nothing.
    pub(super) fn argument(message: impl Into<String>) -> Self {
        Self::new(Origin::Nowhere, message)
    }

    /// The file that holds the configuration cannot be read.
    pub(super) fn unreadable(file: &str, named_by: &str, source: io::Error) -> Self {
        let message = format!("cannot read `{file}`, the configuration file{named_by}");
        Self { source: Some(source), ..Self::new(Origin::Nowhere, message) }
    }

    /// The full name of the setting that is wrong (`server.address`); nothing if it is the file as a whole.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        (!self.key.is_empty()).then_some(self.key.as_str())
    }

    /// Says which key it is about and where that stands, unless that was said closer to it.
    pub(super) fn about(mut self, key: &str, origin: &Origin) -> Self {
        if self.key.is_empty() && self.origin == Origin::Nowhere {
            key.clone_into(&mut self.key);
            self.origin = origin.clone();
        }
        self
    }

    pub(super) fn unknown_key(origin: &Origin, table: &str, key: &str, known: &[&str]) -> Self {
        let path = super::typed::join(table, key);
        let known: Vec<String> = known.iter().map(|key| format!("`{key}`")).collect();
        let message = match (table.is_empty(), known.is_empty()) {
            (true, _) => format!("unknown section `{path}`; known sections: {}", known.join(", ")),
            (false, true) => format!("unknown key `{path}`; [{table}] has no keys"),
            (false, false) => format!("unknown key `{path}`; known keys of [{table}]: {}", known.join(", ")),
        };
        Self { key: path, names_key: true, ..Self::new(origin.clone(), message) }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.origin != Origin::Nowhere {
            write!(f, "{}: ", self.origin)?;
        }
        if !self.key.is_empty() && !self.names_key {
            write!(f, "`{}`: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

impl serde::de::Error for ConfigError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Origin::Nowhere, message.to_string())
    }

    fn invalid_type(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::custom(format_args!("expected {expected}, found {found}"))
    }

    fn invalid_value(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::custom(format_args!("expected {expected}, found {found}"))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format_args!("key `{field}` is missing"))
    }
}
