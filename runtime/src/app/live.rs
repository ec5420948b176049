//! The configuration of an app that runs.
//!
//! In: the configuration that it started with, the file that this was read from. Out: settings that follow the file
//! (hot keys), and a word on those that do not (cold keys). Never: half of a configuration; a file that is wrong anywhere
//! changes nothing.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::de::{self, DeserializeOwned};
use serde_json::Value as Json;
use tokio::sync::watch;
use tokio::time::sleep;

use super::config::{REVISION, Settings, Sources};
use super::{AppConfig, ConfigError, log};
use crate::client;
use crate::server;

/// How often the file is looked at. A change counts when it looks the same twice, so that a file is not read while it is
/// being written.
const INTERVAL: Duration = Duration::from_millis(500);

/// Makes a part of a new configuration count.
pub(crate) type Apply = Box<dyn FnOnce() + Send>;

/// Looks whether a new configuration can be used, and says how to.
type Prepare = Box<dyn Fn(&AppConfig) -> Result<Apply, ConfigError> + Send + Sync>;

/// A part of the app that follows its configuration.
pub(crate) struct Follower {
    /// The key it follows, with all below it: `log.level`.
    key: String,
    prepare: Prepare,
}

impl Follower {
    /// Follows `key` and all below it.
    pub(crate) fn new(
        key: &str,
        prepare: impl Fn(&AppConfig) -> Result<Apply, ConfigError> + Send + Sync + 'static,
    ) -> Self {
        Self { key: key.to_owned(), prepare: Box::new(prepare) }
    }

    /// Follows the version that a configuration centre writes into the file, which means nothing to the app.
    pub(super) fn revision() -> Self {
        Self::new(REVISION, |_| Ok(Box::new(|| {})))
    }

    /// Follows `log.level`.
    pub(super) fn log_level() -> Self {
        Self::new("log.level", |config| {
            let to = config.log.level.clone();
            Ok(Box::new(move || {
                if let Some(level) = log::level() {
                    level.configure(&to);
                }
            }))
        })
    }

    /// Follows what is said of the calls that are answered and of those that are made.
    pub(super) fn policies(server: &server::Configured, clients: &client::Configured) -> [Self; 4] {
        let answered = |key| {
            let server = server.clone();
            Self::new(key, move |config| {
                let (server, policies) = (server.clone(), config.server.policies());
                server.check(&policies).map_err(de::Error::custom)?;
                Ok(Box::new(move || server.set(&policies)))
            })
        };
        let made = |key| {
            let clients = clients.clone();
            Self::new(key, move |config| {
                let (clients, policies) = (clients.clone(), config.client.policies());
                clients.check(&policies).map_err(de::Error::custom)?;
                Ok(Box::new(move || clients.set(policies)))
            })
        };
        [answered("server.policy"), answered("server.methods"), made("client.policy"), made("client.methods")]
    }

    /// Follows `[custom]`, and gives it out as a `T`.
    pub(super) fn custom<T>(config: &AppConfig) -> Result<(Self, watch::Receiver<Arc<T>>), ConfigError>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        let (sender, receiver) = watch::channel(Arc::new(config.custom::<T>()?));
        let follower = Self::new("custom", move |config| {
            let (sender, settings) = (sender.clone(), Arc::new(config.custom::<T>()?));
            Ok(Box::new(move || drop(sender.send_replace(settings))))
        });
        Ok((follower, receiver))
    }

    fn follows(&self, key: &str) -> bool {
        key.strip_prefix(self.key.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Follower").field(&self.key).finish()
    }
}

/// The settings of an app that runs; clones share them.
#[derive(Clone, Debug)]
pub(super) struct Live(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    config: AppConfig,
    followers: Vec<Follower>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What counts.
    settings: Settings,
    /// What the file says, beside what the app was told by other ways.
    written: Settings,
    /// What will count at the next start.
    waiting: Settings,
}

/// A setting as it is shown.
pub(super) struct Shown {
    pub(super) key: String,
    pub(super) value: Json,
    pub(super) origin: String,
    pub(super) hot: bool,
    /// Its value at the next start, if that is another.
    pub(super) next: Option<Json>,
}

impl Live {
    pub(super) fn new(config: AppConfig, followers: Vec<Follower>) -> Self {
        let settings = config.settings();
        let read = config.sources().and_then(|sources| sources.0.read(&sources.1).ok());
        let written = read.map_or_else(|| settings.clone(), |read| read.settings());
        let state = State { settings, written, waiting: Settings::new() };
        Self(Arc::new(Parts { config, followers, state: Mutex::new(state) }))
    }

    /// Every setting, without secrets.
    pub(super) fn shown(&self) -> Vec<Shown> {
        let state = self.state();
        let config = &self.0.config;
        let shown = state.settings.iter().map(|(key, setting)| Shown {
            key: key.clone(),
            value: config.shown(key, &setting.value),
            origin: setting.origin.clone(),
            hot: self.is_hot(key),
            next: state.waiting.get(key).map(|next| config.shown(key, &next.value)),
        });
        shown.collect()
    }

    /// Follows the file, for ever; returns if there is none.
    pub(super) async fn follow(self) {
        let Some(sources) = self.0.config.sources() else { return };
        let (sources, mut seen) = (Arc::new(sources.0.clone()), sources.1.clone());
        let mut before = Some(seen.clone());
        loop {
            sleep(INTERVAL).await;
            let now = match read(&sources).await {
                Ok(text) => text,
                Err(error) => {
                    // Between two versions there may be none.
                    if before.take().is_some() {
                        warn(&error, "cannot read the configuration; the old one stays");
                    }
                    continue;
                }
            };
            let is_still = before.as_ref() == Some(&now);
            if is_still && seen != now {
                match sources.read(&now).and_then(|config| self.change(&config)) {
                    Ok(()) => {}
                    Err(error) => warn(&error, "the new configuration is wrong; the old one stays"),
                }
                seen.clone_from(&now);
            }
            before = Some(now);
        }
    }

    /// Takes over what is hot in a new configuration, if all of it can be used.
    fn change(&self, config: &AppConfig) -> Result<(), ConfigError> {
        let new = config.settings();
        let changed = differences(&self.state().written, &new);
        let concerned = |follower: &&Follower| changed.iter().any(|key| follower.follows(key));
        let followers = self.0.followers.iter().filter(concerned);
        let applies = followers.map(|follower| (follower.prepare)(config)).collect::<Result<Vec<_>, _>>()?;
        for apply in applies {
            apply();
        }
        let (hot, cold): (Vec<_>, Vec<_>) = changed.into_iter().partition(|key| self.is_hot(key));
        self.note(new, &hot, &cold);
        if !hot.is_empty() {
            tracing::info!(keys = hot.join(", "), "the configuration has changed");
        }
        if !cold.is_empty() {
            tracing::warn!(keys = cold.join(", "), "changed, takes effect at the next start");
        }
        Ok(())
    }

    fn note(&self, new: Settings, hot: &[String], cold: &[String]) {
        let mut state = self.state();
        let State { settings, waiting, .. } = &mut *state;
        for key in hot {
            replace(settings, key, &new);
        }
        for key in cold {
            replace(waiting, key, &new);
            // Whoever takes a change back waits for nothing.
            if waiting.get(key).map(|next| &next.value) == settings.get(key).map(|now| &now.value) {
                waiting.remove(key);
            }
        }
        state.written = new;
    }

    fn is_hot(&self, key: &str) -> bool {
        self.0.followers.iter().any(|follower| follower.follows(key))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keys whose values are not the same.
fn differences(old: &Settings, new: &Settings) -> Vec<String> {
    let value = |settings: &Settings, key: &String| settings.get(key).map(|setting| setting.value.clone());
    let mut keys: Vec<String> = old.keys().chain(new.keys()).cloned().collect();
    keys.sort_unstable();
    keys.dedup();
    keys.retain(|key| value(old, key) != value(new, key));
    keys
}

fn replace(settings: &mut Settings, key: &str, new: &Settings) {
    match new.get(key) {
        Some(setting) => settings.insert(key.to_owned(), setting.clone()),
        None => settings.remove(key),
    };
}

/// What the file says now. A file system may take its time, and connections are not to wait for it.
async fn read(sources: &Arc<Sources>) -> Result<String, ConfigError> {
    let sources = Arc::clone(sources);
    match tokio::task::spawn_blocking(move || sources.text()).await {
        Ok(read) => read,
        // A read that was broken off is one of a process that ends.
        Err(_) => std::future::pending().await,
    }
}

fn warn(error: &ConfigError, what: &str) {
    let error: &(dyn std::error::Error + 'static) = error;
    tracing::warn!(error, "{what}");
}
