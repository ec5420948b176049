//! The configuration for people to look at: every setting, where it was written, and no secrets.
//!
//! In: an [`AppConfig`]. Out: settings by their full names. Never: a value of `[custom]` that nobody has called public, or
//! one whose name or text looks like a secret.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;

use super::value::{Data, Value};
use super::{AppConfig, Origin};

/// What stands for a value that is not shown.
const HIDDEN: &str = "(hidden)";

/// A name with one of these in it is that of a secret.
const SECRET: &[&str] =
    &["secret", "passw", "token", "credential", "private", "apikey", "accesskey", "signature"];

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

fn is_secret(name: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let name = name.to_ascii_lowercase();
    SECRET.iter().any(|word| name.contains(word))
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

/// A text without what stands for a password in the URLs in it: `redis://me:(hidden)@host/?token=(hidden)`.
fn without_passwords(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let end = after.find(|c: char| c.is_whitespace() || "\"'<>,;".contains(c)).unwrap_or(after.len());
        let (url, behind) = after.split_at(end);
        shown.push_str(before);
        shown.push_str("://");
        shown.push_str(&url_without_password(url));
        rest = behind;
    }
    shown + rest
}

/// `me:word@host/path?name=value`, without what is secret.
fn url_without_password(url: &str) -> String {
    let (place, query) = url.split_once('?').map_or((url, None), |(place, query)| (place, Some(query)));
    let place = match place.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{user}:{HIDDEN}@{host}")
        }
        None => place.to_owned(),
    };
    let Some(query) = query else { return place };
    let parameter = |parameter: &str| match parameter.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={HIDDEN}"),
        _ => parameter.to_owned(),
    };
    format!("{place}?{}", query.split('&').map(parameter).collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::{is_secret, quoted, without_passwords};

    #[test]
    fn secrets_are_known_by_their_names() {
        for secret in ["custom.db.password", "API_KEY", "access-key", "clientSecret", "auth_token", "passwd"]
        {
            assert!(is_secret(secret), "{secret}");
        }
        for open in ["server.address", "custom.warehouse", "log.level", "registry.kind"] {
            assert!(!is_secret(open), "{open}");
        }
    }

    #[test]
    fn passwords_in_urls_are_taken_out() {
        for (text, shown) in [
            ("redis://me:word@host:1/0", "redis://me:(hidden)@host:1/0"),
            ("a://u:p@ss/w@h,b://:x@y", "a://u:(hidden)@h,b://:(hidden)@y"),
            ("https://host/?q=1&token=abc", "https://host/?q=1&token=(hidden)"),
            ("https://word@host", "https://word:(hidden)@host"),
            ("127.0.0.1:9000", "127.0.0.1:9000"),
            ("me@host", "me@host"),
        ] {
            assert_eq!(without_passwords(text), shown);
        }
    }

    #[test]
    fn keys_are_written_as_toml_writes_them() {
        assert_eq!(quoted("stop_wait_ms"), "stop_wait_ms");
        assert_eq!(quoted("shop.v1.Orders/Get"), "\"shop.v1.Orders/Get\"");
    }
}
