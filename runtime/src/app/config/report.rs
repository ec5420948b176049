//! The configuration for people to look at: every setting, where it was written, and no secrets.
//!
//! In: an [`AppConfig`]. Out: settings by their full names. Never: a value of `[custom]` that nobody has called public, or
//! one whose name or text looks like a secret.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;

use super::value::{Data, Value};
use super::{AppConfig, Origin};
use crate::registry::{is_secret, without_passwords};

/// What stands for a value that is not shown.
const HIDDEN: &str = "(hidden)";

/// A setting as it counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setting {
    pub(crate) value: Json,
    /// Where it was written: `config/app.toml:7:1`, `default`, ..
    pub(crate) origin: String,
}

/// Settings by their full names: `server.address`.
pub(crate) type Settings = BTreeMap<String, Setting>;

impl AppConfig {
    /// Every setting. One that was changed after it was read has the program as its origin.
    pub(crate) fn settings(&self) -> Settings {
        let mut settings = self.as_they_are();
        if let Ok(written) = Self::of(self.written.clone()) {
            let written = written.as_they_are();
            for (key, setting) in &mut settings {
                if written.get(key).map(|written| &written.value) != Some(&setting.value) {
                    "the program".clone_into(&mut setting.origin);
                }
            }
        }
        settings
    }

    fn as_they_are(&self) -> Settings {
        // Without `..`: a section that is new has to be shown as well.
        let Self {
            app,
            server,
            client,
            registry,
            registries,
            log,
            governor,
            custom,
            revision,
            written,
            sources: _,
        } = self;
        let mut flat = Flat { written, settings: Settings::new() };
        flat.section("app", app);
        flat.section("server", server);
        flat.section("client", client);
        flat.section("registry", registry);
        flat.section("registries", registries);
        flat.section("log", log);
        flat.section("governor", governor);
        flat.add(&mut vec!["custom".to_owned()], as_json(custom));
        if let Some(revision) = revision {
            flat.add(&mut vec![super::REVISION.to_owned()], Json::from(revision.as_str()));
        }
        flat.settings
    }

    /// The value of a setting as anybody may see it.
    pub(crate) fn shown(&self, key: &str, value: &Json) -> Json {
        let name = key.strip_prefix("custom.");
        let public = |name: &str| {
            let below = |public: &String| name.strip_prefix(public.as_str());
            self.governor.public.iter().filter_map(below).any(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if is_secret(key) || name.is_some_and(|name| !public(name)) {
            return Json::from(HIDDEN);
        }
        without_secrets(value)
    }
}

/// Tables taken apart.
struct Flat<'c> {
    written: &'c Value,
    settings: Settings,
}

impl Flat<'_> {
    fn section(&mut self, name: &str, section: &impl Serialize) {
        // Sections are tables of strings, numbers and lists, of which JSON holds all.
        self.add(&mut vec![name.to_owned()], serde_json::to_value(section).unwrap_or_default());
    }

    fn add(&mut self, path: &mut Vec<String>, value: Json) {
        if let Json::Object(table) = value {
            for (key, value) in table {
                path.push(key);
                self.add(path, value);
                path.pop();
            }
            return;
        }
        let origin = match self.written.origin_of(path) {
            Origin::Nowhere => "default".to_owned(),
            origin => origin.to_string(),
        };
        let key = path.iter().map(|key| quoted(key)).collect::<Vec<_>>().join(".");
        self.settings.insert(key, Setting { value, origin });
    }
}

/// A key as TOML writes it.
fn quoted(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { key.to_owned() } else { Json::from(key).to_string() }
}

fn as_json(value: &Value) -> Json {
    match &value.data {
        Data::Bool(flag) => Json::from(*flag),
        Data::Integer(number) => Json::from(*number),
        Data::Float(number) => Json::from(*number),
        Data::String(text) | Data::Text(text) => Json::from(text.as_str()),
        Data::List(items) => items.iter().map(as_json).collect(),
        Data::Table(table) => table.iter().map(|(key, entry)| (key.clone(), as_json(&entry.value))).collect(),
    }
}

fn without_secrets(value: &Json) -> Json {
    match value {
        Json::String(text) => Json::from(without_passwords(text)),
        Json::Array(items) => items.iter().map(without_secrets).collect(),
        Json::Object(table) => table
            .iter()
            .map(|(key, value)| {
                let value = if is_secret(key) { Json::from(HIDDEN) } else { without_secrets(value) };
                (key.clone(), value)
            })
            .collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn keys_are_written_as_toml_writes_them() {
        assert_eq!(quoted("stop_wait_ms"), "stop_wait_ms");
        assert_eq!(quoted("shop.v1.Orders/Get"), "\"shop.v1.Orders/Get\"");
    }
}
