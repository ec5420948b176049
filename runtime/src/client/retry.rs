//! Whether a call that failed is tried again, and when.
//!
//! In: a policy, the status of an attempt, a budget. Out: a pause, or nothing. As in gRFC A6: attempts are bounded by
//! count, by code, by the deadline, by what the server asks for (`grpc-retry-pushback-ms`, `google.rpc.RetryInfo`), and
//! by a budget of tokens that all calls of a client share, so that retries cannot become a storm.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;

use prost::Message as _;
use tonic::{Code, Status};

use crate::call::Call;
use crate::chance;
use crate::descriptor::{Idempotency, Method};
use crate::error::wire;
use crate::policy::{Codes, Policy};

const ATTEMPTS: u32 = 3;
const CODES: Codes = Codes::new(&[Code::Unavailable]);
const BACKOFF: Duration = Duration::from_millis(50);
const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// What the policy of a method says of retries, with every gap filled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retries {
    attempts: u32,
    codes: Codes,
    backoff: Duration,
    max_backoff: Duration,
}

impl Retries {
    /// Calls are repeated when the IDL says that they may be, or when somebody declares it by a number of attempts.
    pub(super) fn of(method: &Method, policy: &Policy) -> Self {
        let retry = policy.retry;
        let undeclared = if method.idempotency == Idempotency::Unknown { 1 } else { ATTEMPTS };
        Self {
            attempts: retry.attempts.unwrap_or(undeclared),
            codes: retry.codes.unwrap_or(CODES),
            backoff: retry.backoff.unwrap_or(BACKOFF),
            max_backoff: retry.max_backoff.unwrap_or(MAX_BACKOFF),
        }
    }

    /// Whether there is any attempt after this one.
    pub(super) fn more_after(&self, attempt: u32) -> bool {
        attempt < self.attempts
    }

    /// How long to wait before the next attempt, if there is to be one.
    pub(super) fn pause(
        &self,
        attempt: u32,
        status: &Status,
        call: &Call,
        budget: &Budget,
    ) -> Option<Duration> {
        if !self.codes.contains(status.code()) {
            return None;
        }
        let affordable = budget.withdraw();
        let pushback = pushback(status);
        if !affordable || !self.more_after(attempt) || pushback == Pushback::Never {
            return None;
        }
        let pause = match pushback {
            Pushback::After(pause) => pause,
            _ => match retry_info(status) {
                Some(least) => least + self.jitter(attempt) / 4,
                None => self.jitter(attempt),
            },
        };
        // An attempt that begins when the call is over only costs the server.
        call.remaining().is_none_or(|left| pause < left).then_some(pause)
    }

    /// Doubles with each attempt, up to the most; drawn at random below that, so that callers do not come back together.
    fn jitter(&self, attempt: u32) -> Duration {
        let doubled = self.backoff.saturating_mul(1_u32.checked_shl(attempt - 1).unwrap_or(u32::MAX));
        chance::up_to(doubled.min(self.max_backoff))
    }
}

/// What the server says of another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pushback {
    Nothing,
    Never,
    After(Duration),
}

/// gRFC A6: a number of milliseconds; whatever is none, or is negative, asks not to try again.
fn pushback(status: &Status) -> Pushback {
    match status.metadata().get("grpc-retry-pushback-ms") {
        None => Pushback::Nothing,
        Some(value) => {
            let milliseconds = value.to_str().ok().and_then(|text| text.parse().ok());
            milliseconds.map_or(Pushback::Never, |ms| Pushback::After(Duration::from_millis(ms)))
        }
    }
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, prost::Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<prost_types::Duration>,
}

/// The least time that a detail of the status asks to wait.
fn retry_info(status: &Status) -> Option<Duration> {
    let value = wire::detail(status, "google.rpc.RetryInfo")?;
    Duration::try_from(RetryInfo::decode(value.as_slice()).ok()?.retry_delay?).ok()
}

/// The tokens that all calls of a client share. A failure that could be retried takes one, a success gives back a
/// tenth, and nothing is retried while half of them or more are gone.
#[derive(Debug)]
pub(super) struct Budget(AtomicI64);

/// In tenths of a token.
const FULL: i64 = 200;
const COST: i64 = 10;
const GAIN: i64 = 1;

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicI64::new(FULL))
    }
}

impl Budget {
    /// Takes a token; whether there are enough for a retry.
    fn withdraw(&self) -> bool {
        self.change(-COST) > FULL / 2
    }

    /// Notes a success.
    pub(super) fn deposit(&self) {
        if self.0.load(Relaxed) < FULL {
            self.change(GAIN);
        }
    }

    /// Returns what is left.
    fn change(&self, by: i64) -> i64 {
        let changed = |tokens: i64| (tokens + by).clamp(0, FULL);
        let before = self.0.fetch_update(Relaxed, Relaxed, |tokens| Some(changed(tokens)));
        changed(before.unwrap_or_else(|tokens| tokens))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptor::Kind;
    use crate::policy::Retry;

    static READ: Method = Method::new("/a.B/Read", 0, Kind::Unary).idempotency(Idempotency::NoSideEffects);
    static WRITE: Method = Method::new("/a.B/Write", 1, Kind::Unary);

    fn pause(method: &'static Method, retry: Retry, attempt: u32, status: &Status) -> Option<Duration> {
        let retries = Retries::of(method, &Policy::new().retry(retry));
        retries.pause(attempt, status, &Call::new(method), &Budget::default())
    }

    #[test]
    fn idempotent_and_declared_methods_are_tried_again() {
        let away = Status::unavailable("");
        assert!(pause(&READ, Retry::new(), 1, &away).is_some_and(|pause| pause <= BACKOFF));
        assert!(pause(&READ, Retry::new(), 2, &away).is_some());
        assert_eq!(pause(&READ, Retry::new(), 3, &away), None);
        assert_eq!(pause(&READ, Retry::new(), 1, &Status::internal("")), None);
        assert_eq!(pause(&READ, Retry::new().attempts(1), 1, &away), None);
        assert_eq!(pause(&WRITE, Retry::new(), 1, &away), None);
        assert!(pause(&WRITE, Retry::new().attempts(2), 1, &away).is_some());
        let aborted = Retry::new().attempts(2).codes(&[Code::Aborted]);
        assert!(pause(&WRITE, aborted, 1, &Status::aborted("")).is_some());
    }

    #[test]
    fn the_server_may_ask_for_time_or_for_no_more() {
        let asked = |value: &'static str| {
            let mut status = Status::unavailable("");
            status.metadata_mut().insert("grpc-retry-pushback-ms", value.parse().unwrap());
            pause(&READ, Retry::new(), 1, &status)
        };
        assert_eq!(asked("250"), Some(Duration::from_millis(250)));
        assert_eq!((asked("-1"), asked("soon")), (None, None));
        let delay = prost_types::Duration { seconds: 2, nanos: 0 };
        let value = RetryInfo { retry_delay: Some(delay) }.encode_to_vec();
        let status = wire::with_detail(Code::Unavailable, String::new(), "google.rpc.RetryInfo", value);
        let pause = pause(&READ, Retry::new(), 1, &status).unwrap();
        assert!(pause >= Duration::from_secs(2) && pause < Duration::from_secs(3), "{pause:?}");
    }

    #[test]
    fn a_storm_ends_when_half_of_the_budget_is_gone() {
        let budget = Budget::default();
        assert_eq!((0..1000).filter(|_| budget.withdraw()).count(), 9);
        // One retry for ten successes from there on.
        (0..110).for_each(|_| budget.deposit());
        assert_eq!((0..1000).filter(|_| budget.withdraw()).count(), 0);
        (0..1_000_000).for_each(|_| budget.deposit());
        assert_eq!((0..1000).filter(|_| budget.withdraw()).count(), 9);
    }
}
