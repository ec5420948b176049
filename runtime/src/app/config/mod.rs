//! The configuration of an app.
//!
//! In: a TOML file, the environment and flags. Out: an [`AppConfig`] in which every setting has a value of its type.
//! Never: a setting that is misspelt and ignored, a value that is wrong and replaced by a default.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

mod error;
mod policies;
mod report;
mod sections;
mod sources;
mod typed;
mod value;

pub use error::ConfigError;
pub use policies::{
    ClientPolicySection, ClientSection, ClientServiceSection, Compression, RetrySection, ServerPolicySection,
};
pub(crate) use report::Settings;
pub(crate) use sections::filter;
pub use sections::{AppSection, GovernorSection, LogFormat, LogSection, ServerSection};
pub(crate) use sources::Sources;

use value::{Data, Origin, Table, Value};

use crate::registry::{Misfit, RegistrySection};

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
/// is a key of the file that names none. Flags win over both: `--set server.address=0.0.0.0:9002`.
#[derive(Clone, Default)]
pub struct AppConfig {
    /// `[app]`: who this is.
    pub app: AppSection,
    /// `[server]`: where it listens and what it accepts.
    pub server: ServerSection,
    /// `[client]`: what holds for the calls that it makes.
    pub client: ClientSection,
    /// `[registry]`: how it is found and finds others.
    pub registry: RegistrySection,
    /// `[registries.NAME]`: further registries, by their names. The app is found and finds others in all of them.
    pub registries: BTreeMap<String, RegistrySection>,
    /// `[log]`: what it says, and how.
    pub log: LogSection,
    /// `[governor]`: the port for operators.
    pub governor: GovernorSection,
    custom: Value,
    /// What a configuration centre calls this version of the file.
    revision: Option<String>,
    /// All of it as it was written.
    written: Value,
    /// Where it can be read again, if it was read from a file.
    sources: Option<Arc<(Sources, String)>>,
}

/// The sections that a file may have.
const SECTIONS: &[&str] = &["app", "server", "client", "registry", "registries", "log", "governor", "custom"];

/// Juno writes this key above all sections, and looks for it at the governor to see which version an instance has.
pub(crate) const REVISION: &str = "juno_configuration_version";

impl AppConfig {
    /// Reads the file that `JOVIAN_CONFIG` names, else `config/app.toml` if there is one, and the environment.
    ///
    /// # Errors
    ///
    /// Fails when the file that was named is missing, and on anything in it that is not known or not of its type.
    pub fn load() -> Result<Self, ConfigError> {
        Self::from_args([])
    }

    /// Reads what [`load`](Self::load) reads, and `arguments` over it: `--config FILE` names the file, and
    /// `--set KEY=VALUE`, any number of times, wins over file and environment.
    ///
    /// The name of the program is not among the arguments: `std::env::args_os().skip(1)`.
    ///
    /// # Errors
    ///
    /// Fails as [`load`](Self::load) does, and on any other argument.
    pub fn from_args(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, ConfigError> {
        let sources = Sources::of_process(arguments)?;
        let text = sources.text_if_any()?;
        let mut config = sources.read(text.as_deref().unwrap_or_default())?;
        // A file that was not there is not waited for.
        config.sources = text.map(|text| Arc::new((sources, text)));
        Ok(config)
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
        Self::of(root)
    }

    /// The configuration that was written so.
    fn of(written: Value) -> Result<Self, ConfigError> {
        let Data::Table(mut sections) = written.data.clone() else {
            return Err(ConfigError::new(written.origin, "is no table"));
        };
        let config = Self {
            app: section(&mut sections, "app")?,
            server: section(&mut sections, "server")?,
            client: section(&mut sections, "client")?,
            registry: section(&mut sections, "registry")?,
            registries: section(&mut sections, "registries")?,
            log: section(&mut sections, "log")?,
            governor: section(&mut sections, "governor")?,
            custom: sections.remove("custom").map(|entry| entry.value).unwrap_or_default(),
            revision: sections
                .remove(REVISION)
                .map(|entry| typed::read(REVISION, &entry.value))
                .transpose()?,
            written,
            sources: None,
        };
        if let Some((key, entry)) = sections.first_key_value() {
            return Err(ConfigError::unknown_key(&entry.key, "", key, SECTIONS));
        }
        config.check_registries()?;
        Ok(config)
    }

    /// `[registry]` and `[registries]`, in the order in which they count.
    pub(crate) fn all_registries(&self) -> Vec<&RegistrySection> {
        [&self.registry].into_iter().chain(self.registries.values()).collect()
    }

    /// Looks whether the settings of each registry go together.
    fn check_registries(&self) -> Result<(), ConfigError> {
        let more = self.registries.iter().map(|(name, section)| (vec!["registries", name], section));
        for (table, section) in [(vec!["registry"], &self.registry)].into_iter().chain(more) {
            section.check().map_err(|Misfit { key, why }| {
                let path: Vec<String> = table.iter().map(|&key| key.to_owned()).chain(key).collect();
                let origin = self.written.origin_of(&path);
                ConfigError::new(Origin::Nowhere, why).about(&path.join("."), origin)
            })?;
        }
        Ok(())
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

    /// Where it can be read again, and what the file said when it was read.
    pub(crate) fn sources(&self) -> Option<Arc<(Sources, String)>> {
        self.sources.clone()
    }
}

impl fmt::Debug for AppConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { app, server, client, registry, registries, log, governor, .. } = self;
        f.debug_struct("AppConfig")
            .field("app", app)
            .field("server", server)
            .field("client", client)
            .field("registry", registry)
            .field("registries", registries)
            .field("log", log)
            .field("governor", governor)
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
