//! The log of a process that has none yet.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use super::{AppError, LogFormat, LogSection};

/// Logs to standard output as the section says, unless somebody listens already.
pub(super) fn init(section: &LogSection) -> Result<(), AppError> {
    let filter = EnvFilter::builder()
        .parse(&section.level)
        .map_err(|source| AppError::LogLevel { level: section.level.clone(), source })?;
    // Colours are for people who look at it now.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(std::io::stdout().is_terminal());
    let result = match section.format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    if let Err(error) = result {
        tracing::debug!(%error, "the process logs already, so [log] is not used");
    }
    Ok(())
}
