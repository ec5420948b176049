//! The log of a server that logs: what an app of the runtime sets up with `format = "json"`, on standard output.

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt, registry};

/// Logs from `info` on, with the spans of `target`.
pub(super) fn start(target: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(format!("info,{target}=debug"))?;
    let lines = fmt::layer().with_ansi(false).json().flatten_event(true);
    Ok(registry().with(filter).with(lines).try_init()?)
}

/// Listens for the spans of `target` and for nothing else.
pub(super) fn spans(target: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(format!("{target}=debug"))?;
    let lines = fmt::layer().with_ansi(false).json().flatten_event(true);
    Ok(registry().with(filter).with(lines).try_init()?)
}
