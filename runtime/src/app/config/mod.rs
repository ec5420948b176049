//! The configuration of an app.
//!
//! In: a TOML file and the environment. Out: an [`AppConfig`] in which every setting has a value of its type.
//! Never: a setting that is misspelt and ignored, a value that is wrong and replaced by a default.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;

use serde::de::DeserializeOwned;

mod error;
mod sections;
mod typed;
mod value;

pub use error::ConfigError;
pub use sections::{AppSection, LogFormat, LogSection, RegistryKind, RegistrySection, ServerSection};

use value::{Data, Table, Value};

/// The variable that names the file.
const FILE_VARIABLE: &str = "JOVIAN_CONFIG";
/// The file, if the variable names none.
const DEFAULT_FILE: &str = "config/app.toml";

/// Everything that can be set about an [`App`](crate::App), section by section.
///
/// ```toml
/// [app]
/// name = "shop.order.orders"
///
/// [server]
/// address = "0.0.0.0:9000"
///
/// [custom]                    # for the app itself, see `App::custom`
/// warehouse = "north"
/// ```
///
/// Any setting can be given by the environment as well, which wins: `JOVIAN_SERVER__ADDRESS=0.0.0.0:9001` is
/// `address` of `[server]`. A variable that starts with `JOVIAN_`, has a `__` and names no setting is an error, as
/// is a key of the file that names none.
#[derive(Clone, Default)]
pub struct AppConfig {
    /// `[app]`: who this is.
    pub app: AppSection,
    /// `[server]`: where it listens and what it accepts.
    pub server: ServerSection,
    /// `[registry]`: how it is found and finds others.
    pub registry: RegistrySection,
    /// `[log]`: what it says, and how.
    pub log: LogSection,
    custom: Value,
}

/// The sections that a file may have.
const SECTIONS: &[&str] = &["app", "server", "registry", "log", "custom"];

impl AppConfig {
    /// Reads the file that `JOVIAN_CONFIG` names, else `config/app.toml` if there is one, and the environment.
    ///
    /// # Errors
    ///
    /// Fails when the file that was named is missing, and on anything in it that is not known or not of its type.
    pub fn load() -> Result<Self, ConfigError> {
        let (file, text) = match env::var_os(FILE_VARIABLE) {
            Some(file) => {
                let file = file.to_string_lossy().into_owned();
                let text = fs::read_to_string(&file).map_err(|error| {
                    ConfigError::unreadable(&file, " that the variable JOVIAN_CONFIG names", error)
                })?;
                (file, text)
            }
            None => match fs::read_to_string(DEFAULT_FILE) {
                Ok(text) => (DEFAULT_FILE.to_owned(), text),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Default::default(),
                Err(error) => return Err(ConfigError::unreadable(DEFAULT_FILE, "", error)),
            },
        };
        Self::parse(&file, &text, env::vars_os())
    }

    /// Reads a TOML text, which errors will say is in `file`, and the variables of `environment` that are settings.
    ///
    /// # Errors
    ///
    /// Fails on anything that is not known or not of its type.
    pub fn parse(
        file: &str,
        text: &str,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let mut root = Value::parse(file, text)?;
        root.overlay(environment)?;
        let Data::Table(mut sections) = root.data else {
            return Err(ConfigError::new(root.origin, "is no table"));
        };
        let config = Self {
            app: section(&mut sections, "app")?,
            server: section(&mut sections, "server")?,
            registry: section(&mut sections, "registry")?,
            log: section(&mut sections, "log")?,
            custom: sections.remove("custom").map(|entry| entry.value).unwrap_or_default(),
        };
        match sections.first_key_value() {
            Some((key, entry)) => Err(ConfigError::unknown_key(&entry.key, "", key, SECTIONS)),
            None => Ok(config),
        }
    }

    /// Reads `[custom]`, which holds the app's own settings, as a `T`.
    ///
    /// Like every section it can be overridden by the environment: `JOVIAN_CUSTOM__WAREHOUSE=south`. A key that
    /// the struct does not have is an error even if it does not say `deny_unknown_fields`.
    ///
    /// # Errors
    ///
    /// Fails when the section does not fit `T`.
    pub fn custom<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        typed::read("custom", &self.custom)
    }
}

impl fmt::Debug for AppConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { app, server, registry, log, custom: _ } = self;
        f.debug_struct("AppConfig")
            .field("app", app)
            .field("server", server)
            .field("registry", registry)
            .field("log", log)
            // Nobody here knows which of the app's own settings are secrets.
            .finish_non_exhaustive()
    }
}

/// Takes the section `name` out of `sections`; one that is not written has its defaults.
fn section<T: DeserializeOwned + Default>(sections: &mut Table, name: &str) -> Result<T, ConfigError> {
    match sections.remove(name) {
        Some(entry) => typed::read(name, &entry.value),
        None => Ok(T::default()),
    }
}
