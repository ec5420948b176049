//! The page that shows and changes the level of the log.

use std::future::{Future, ready};
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::app::log::{self, Level};
use crate::governor::{Answer, Question};

/// What an operator asks for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    level: String,
    /// After so many seconds it goes back; never, if it is not said.
    seconds: Option<u32>,
}

pub(super) fn look() -> Answer {
    log::level().map_or_else(not_ours, shown)
}

pub(super) fn put(question: Question) -> impl Future<Output = Answer> {
    let Some(level) = log::level() else { return ready(not_ours()) };
    ready(match serde_json::from_slice::<Wanted>(&question.body) {
        Err(error) => refused(format!("expected {{\"level\": \"debug\", \"seconds\": 600}}: {error}")),
        Ok(wanted) => match level.put(&wanted.level, wanted.seconds.map(|s| Duration::from_secs(s.into()))) {
            Ok(()) => shown(level),
            Err(why) => refused(why),
        },
    })
}

pub(super) fn take_back(_: Question) -> impl Future<Output = Answer> {
    ready(log::level().map_or_else(not_ours, |level| {
        level.take_back();
        shown(level)
    }))
}

fn shown(level: &Level) -> Answer {
    let now = level.now();
    let left = now.left.map(|left| left.as_secs());
    Answer::json(
        StatusCode::OK,
        &json!({ "level": now.level, "configured": now.configured, "seconds_left": left }),
    )
}

fn refused(why: String) -> Answer {
    Answer::text(StatusCode::BAD_REQUEST, why)
}

fn not_ours() -> Answer {
    Answer::text(
        StatusCode::CONFLICT,
        "the log of this process was not set up by the app: `App::run` does that",
    )
}
