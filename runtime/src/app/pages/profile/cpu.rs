//! Where CPU time goes: the stacks of running threads, so many times a second.

use std::error::Error;
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use pprof::{ProfilerGuard, ProfilerGuardBuilder};
use prost::Message as _;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::wire;
use crate::governor::{Answer, Question};

const SECONDS: RangeInclusive<u32> = 1..=60;
const FREQUENCY: RangeInclusive<u32> = 1..=1000;

/// Libraries inside of which a thread is not looked at: unwinding them from a signal can wait for a lock that the thread
/// itself holds.
const LEFT_OUT: &[&str] = &["libc", "libgcc", "pthread", "vdso"];

/// Held by whoever takes a profile.
static TURN: Mutex<()> = Mutex::const_new(());

pub(super) async fn profile(question: Question) -> Answer {
    let wanted = parameter(&question, "seconds", 30, &SECONDS)
        .and_then(|seconds| Ok((seconds, parameter(&question, "frequency", 99, &FREQUENCY)?)));
    let (seconds, frequency) = match wanted {
        Ok(wanted) => wanted,
        Err(why) => return Answer::text(StatusCode::BAD_REQUEST, why),
    };
    let Ok(_turn) = TURN.try_lock() else {
        return Answer::text(StatusCode::CONFLICT, "somebody else is taking a profile");
    };
    match take(seconds, frequency).await {
        Ok(profile) => Answer::bytes(StatusCode::OK, "application/octet-stream", profile),
        Err(error) => {
            let text = format!("cannot take a profile: {error}");
            Answer::text(StatusCode::INTERNAL_SERVER_ERROR, text)
        }
    }
}

async fn take(seconds: u32, frequency: u32) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
    // To look for libraries takes a while, as it does to find names for addresses.
    let guard = spawn_blocking(move || begin(frequency)).await??;
    // Whoever goes away ends it: the guard goes with this future.
    let began = SystemTime::now();
    sleep(Duration::from_secs(seconds.into())).await;
    Ok(spawn_blocking(move || encode(&guard, began, frequency)).await??)
}

fn parameter(
    question: &Question,
    name: &str,
    default: u32,
    range: &RangeInclusive<u32>,
) -> Result<u32, String> {
    let Some(text) = question.parameter(name) else { return Ok(default) };
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("`{name}` is a number from {} to {}", range.start(), range.end()))
}

fn begin(frequency: u32) -> pprof::Result<ProfilerGuard<'static>> {
    let frequency = i32::try_from(frequency).unwrap_or(99);
    ProfilerGuardBuilder::default().frequency(frequency).blocklist(LEFT_OUT).build()
}

fn encode(guard: &ProfilerGuard<'_>, began: SystemTime, frequency: u32) -> pprof::Result<Vec<u8>> {
    let report = guard.report().build()?;
    let mut profile = wire::Builder::new(began, report.timing.duration, frequency);
    for (stack, count) in &report.data {
        // From the inside out, as the format has it; inlined functions share an address.
        let frames = stack.frames.iter().skip_while(|frame| frame.iter().any(is_of_the_profiler));
        let symbols = frames.map(|frame| {
            let line = |symbol: &pprof::Symbol| wire::Symbol {
                name: symbol.name(),
                file: symbol.filename().into_owned(),
                line: symbol.lineno(),
            };
            frame.iter().map(line).collect()
        });
        profile.add(symbols, i64::try_from(*count).unwrap_or(i64::MAX));
    }
    Ok(profile.done().encode_to_vec())
}

/// What looks at a thread stands on its stack as well, innermost.
fn is_of_the_profiler(symbol: &pprof::Symbol) -> bool {
    let (name, file) = (symbol.name(), symbol.filename());
    ["pprof::", "backtrace::"].iter().any(|module| name.contains(module))
        || ["/pprof-", "/backtrace-"].iter().any(|library| file.contains(library))
}
