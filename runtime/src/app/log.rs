//! The log of a process that has none yet.
//!
//! In: the section `[log]`, levels that operators and new configurations give. Out: lines on standard output, from the
//! level on that counts now. Never: a subscriber that somebody else has set.

use std::io::IsTerminal as _;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

use super::config::filter;
use super::{AppError, LogFormat, LogSection};
use crate::log::{JsonLines, Out};

/// A process has one log, and so one level.
static LEVEL: OnceLock<Level> = OnceLock::new();

/// Logs to standard output as the section says, unless somebody listens already.
pub(super) fn init(section: &LogSection) -> Result<(), AppError> {
    let filter = EnvFilter::builder()
        .parse(&section.level)
        .map_err(|source| AppError::LogLevel { level: section.level.clone(), source })?;
    let (filter, handle) = reload::Layer::new(filter);
    let registry = tracing_subscriber::registry().with(filter);
    let result = match section.format {
        LogFormat::Text => {
            // Colours are for people who look at it now.
            let lines = fmt::layer().with_ansi(std::io::stdout().is_terminal()).with_writer(Out);
            registry.with(lines).try_init()
        }
        LogFormat::Json => registry.with(JsonLines::new()).try_init(),
    };
    match result {
        Ok(()) => {
            let state = State { configured: section.level.clone(), put: None };
            LEVEL.get_or_init(|| Level { handle, state: Mutex::new(state) });
        }
        Err(error) => tracing::debug!(%error, "the process logs already, so [log] is not used"),
    }
    Ok(())
}

/// The level of this process's log, if an app has set its log up.
pub(super) fn level() -> Option<&'static Level> {
    LEVEL.get()
}

/// The level of the log: what the configuration says, and what an operator has put over it.
pub(super) struct Level {
    handle: reload::Handle<EnvFilter, Registry>,
    state: Mutex<State>,
}

struct State {
    configured: String,
    put: Option<Put>,
}

/// What an operator has said.
struct Put {
    level: String,
    /// When it ends, and the task that ends it.
    until: Option<(Instant, AbortHandle)>,
}

impl Drop for Put {
    fn drop(&mut self) {
        if let Some((_, task)) = &self.until {
            task.abort();
        }
    }
}

/// The level as it is now.
pub(super) struct Now {
    pub(super) level: String,
    pub(super) configured: String,
    /// The time that is left to what an operator has put, if it ends.
    pub(super) left: Option<Duration>,
}

impl Level {
    pub(super) fn now(&self) -> Now {
        let state = self.state();
        let level = state.put.as_ref().map_or(&state.configured, |put| &put.level).clone();
        let until = state.put.as_ref().and_then(|put| put.until.as_ref());
        let left = until.map(|(until, _)| until.saturating_duration_since(Instant::now()));
        Now { level, configured: state.configured.clone(), left }
    }

    /// The configuration has changed. What an operator has put stays above it.
    pub(super) fn configure(&self, level: &str) {
        let mut state = self.state();
        level.clone_into(&mut state.configured);
        if state.put.is_none() {
            self.apply(level);
        }
    }

    /// Puts `level` over what is configured, for a time or until it is taken back.
    pub(super) fn put(&'static self, level: &str, time: Option<Duration>) -> Result<(), String> {
        filter(level)?;
        let ending = |time| {
            tokio::spawn(async move {
                sleep(time).await;
                self.take_back();
            })
        };
        let until = time.map(|time| (Instant::now() + time, ending(time).abort_handle()));
        let mut state = self.state();
        state.put = Some(Put { level: level.to_owned(), until });
        self.apply(level);
        Ok(())
    }

    /// Goes back to what is configured.
    pub(super) fn take_back(&self) {
        let mut state = self.state();
        state.put = None;
        self.apply(&state.configured);
    }

    fn apply(&self, level: &str) {
        // Levels are looked at before they come here, and the subscriber lives as long as the process.
        if let Ok(filter) = filter(level)
            && self.handle.reload(filter).is_ok()
        {
            tracing::info!(now = level, "the log level has changed");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
