//! The logs of servers that log, as lines of JSON on standard output: from `info` on, with the spans of one target.

use jovian_runtime::log::{JsonLines, Out};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt, registry};

/// What an app of the runtime sets up with `format = "json"`.
pub(super) fn ours(target: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(format!("info,{target}=debug"))?;
    Ok(registry().with(filter).with(JsonLines::new()).try_init()?)
}

/// What `tracing-subscriber` makes of it. It writes through the same buffer, which is more than most people give it.
pub(super) fn theirs(target: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(format!("info,{target}=debug"))?;
    let lines = fmt::layer().with_ansi(false).json().flatten_event(true).with_writer(Out);
    Ok(registry().with(filter).with(lines).try_init()?)
}
