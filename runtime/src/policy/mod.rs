//! What holds for the calls of a method: bounds, retries, logs, who may call.
//!
//! In: what an IDL, a program and a configuration say, each of a method, of a service or of everything. Out: for each
//! method one value per setting. Never: acting on it; server and client do that.

use std::time::Duration;

use crate::codec::Encoding;

mod policies;
mod retry;

pub(crate) use policies::Said;
pub use policies::{Policies, UnknownTarget};
pub use retry::{Codes, Retry};

/// A time that bounds nothing: "no timeout", where one would be inherited otherwise.
pub(crate) const UNBOUNDED: Duration = Duration::MAX;

/// The bound that a policy sets, if it sets one.
pub(crate) fn bound(time: Option<Duration>) -> Option<Duration> {
    time.filter(|time| *time != UNBOUNDED)
}

/// What somebody says of the calls of a method, of a service or of everything. What is not said is inherited.
///
/// More specific wins: what is said of a method over what is said of its service, and that over what is said of
/// everything. On the same level a configuration wins over the program, and the program over the IDL.
///
/// ```
/// use std::time::Duration;
/// use jovian_runtime::{Policies, Policy, Retry};
///
/// let policies = Policies::new()
///     .all(Policy::new().slow_log(Duration::from_millis(500)))
///     .method("shop.orders.v1.Orders/GetOrder", Policy::new().in_flight(100).retry(Retry::new().attempts(3)));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Policy {
    /// The longest that a call with one request and one reply takes. [`Duration::MAX`] sets no bound, here and below.
    pub timeout: Option<Duration>,
    /// The longest that a stream waits for the first sign of the other side.
    pub open_timeout: Option<Duration>,
    /// The longest that a stream may carry no message, either way.
    pub idle_timeout: Option<Duration>,
    /// The largest request, in bytes: on a server to be read, on a client to be sent.
    pub max_request_bytes: Option<usize>,
    /// The largest reply, in bytes: on a server to be sent, on a client to be read.
    pub max_reply_bytes: Option<usize>,
    /// How messages are compressed, on a server the replies and on a client the requests; `Some(None)`: not at all.
    pub compress: Option<Option<Encoding>>,
    /// Server: how many calls may run at once; 0 sets no limit.
    pub in_flight: Option<u32>,
    /// Server: who may call, `shop.web.site` or `shop.web.*`; an empty list lets everybody.
    pub callers: Option<&'static [&'static str]>,
    /// Client: when a call is tried again.
    pub retry: Retry,
    /// Client: whether a service that fails is spared.
    pub breaker: Option<bool>,
    /// The share of calls that get a line in the access log, from 0 to 1.
    pub access_log: Option<f64>,
    /// Calls that take longer get a line in the log; zero turns that off.
    pub slow_log: Option<Duration>,
    /// Whether calls are counted and measured.
    pub metrics: Option<bool>,
    /// Whether calls have spans, and pass traces on.
    pub trace: Option<bool>,
}

impl Policy {
    /// Says nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            timeout: None,
            open_timeout: None,
            idle_timeout: None,
            max_request_bytes: None,
            max_reply_bytes: None,
            compress: None,
            in_flight: None,
            callers: None,
            retry: Retry::new(),
            breaker: None,
            access_log: None,
            slow_log: None,
            metrics: None,
            trace: None,
        }
    }

    /// Sets the longest that a call with one request and one reply takes.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the longest that a stream waits for the first sign of the other side.
    #[must_use]
    pub const fn open_timeout(mut self, timeout: Duration) -> Self {
        self.open_timeout = Some(timeout);
        self
    }

    /// Sets the longest that a stream may carry no message, either way.
    #[must_use]
    pub const fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }

    /// Sets the largest request, in bytes.
    #[must_use]
    pub const fn max_request_bytes(mut self, bytes: usize) -> Self {
        self.max_request_bytes = Some(bytes);
        self
    }

    /// Sets the largest reply, in bytes.
    #[must_use]
    pub const fn max_reply_bytes(mut self, bytes: usize) -> Self {
        self.max_reply_bytes = Some(bytes);
        self
    }

    /// Sets how messages are compressed: on a server the replies, for callers who can read it, and on a client the requests.
    #[must_use]
    pub const fn compress(mut self, encoding: Encoding) -> Self {
        self.compress = Some(Some(encoding));
        self
    }

    /// Sets that messages are not compressed.
    #[must_use]
    pub const fn uncompressed(mut self) -> Self {
        self.compress = Some(None);
        self
    }

    /// Sets how many calls a server runs at once; 0 sets no limit.
    #[must_use]
    pub const fn in_flight(mut self, calls: u32) -> Self {
        self.in_flight = Some(calls);
        self
    }

    /// Sets who may call a server: `shop.web.site`, or `shop.web.*` for all whose name begins so.
    #[must_use]
    pub const fn callers(mut self, callers: &'static [&'static str]) -> Self {
        self.callers = Some(callers);
        self
    }

    /// Sets when a client tries again.
    #[must_use]
    pub const fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Sets whether a client spares a service that fails.
    #[must_use]
    pub const fn breaker(mut self, on: bool) -> Self {
        self.breaker = Some(on);
        self
    }

    /// Sets the share of calls that get a line in the access log, from 0 to 1.
    #[must_use]
    pub const fn access_log(mut self, share: f64) -> Self {
        self.access_log = Some(share);
        self
    }

    /// Sets from which time on a call is slow; zero turns that log off.
    #[must_use]
    pub const fn slow_log(mut self, time: Duration) -> Self {
        self.slow_log = Some(time);
        self
    }

    /// Sets whether calls are counted and measured.
    #[must_use]
    pub const fn metrics(mut self, on: bool) -> Self {
        self.metrics = Some(on);
        self
    }

    /// Sets whether calls have spans, and pass traces on.
    #[must_use]
    pub const fn trace(mut self, on: bool) -> Self {
        self.trace = Some(on);
        self
    }

    /// This, and `weaker` where it says nothing.
    #[must_use]
    pub(crate) fn over(self, weaker: &Self) -> Self {
        Self {
            timeout: self.timeout.or(weaker.timeout),
            open_timeout: self.open_timeout.or(weaker.open_timeout),
            idle_timeout: self.idle_timeout.or(weaker.idle_timeout),
            max_request_bytes: self.max_request_bytes.or(weaker.max_request_bytes),
            max_reply_bytes: self.max_reply_bytes.or(weaker.max_reply_bytes),
            compress: self.compress.or(weaker.compress),
            in_flight: self.in_flight.or(weaker.in_flight),
            callers: self.callers.or(weaker.callers),
            retry: self.retry.over(weaker.retry),
            breaker: self.breaker.or(weaker.breaker),
            access_log: self.access_log.or(weaker.access_log),
            slow_log: self.slow_log.or(weaker.slow_log),
            metrics: self.metrics.or(weaker.metrics),
            trace: self.trace.or(weaker.trace),
        }
    }

    /// Whether `caller` may call; nobody is the name of nobody.
    pub(crate) fn lets(&self, caller: Option<&str>) -> bool {
        let Some(callers) = self.callers.filter(|callers| !callers.is_empty()) else {
            return true;
        };
        caller.is_some_and(|caller| callers.iter().any(|pattern| matches(pattern, caller)))
    }
}

/// `*` at the end stands for anything.
fn matches(pattern: &str, caller: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => caller.starts_with(beginning),
        None => caller == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_inherited() {
        let weaker = Policy::new().timeout(Duration::from_secs(1)).in_flight(5).metrics(false);
        let policy = Policy::new().in_flight(0).over(&weaker);
        assert_eq!(policy, Policy::new().timeout(Duration::from_secs(1)).in_flight(0).metrics(false));
    }

    #[test]
    fn callers_are_let_in_by_name_and_by_beginning() {
        let policy = Policy::new().callers(&["shop.web.site", "ops.*"]);
        for (caller, lets) in [
            (Some("shop.web.site"), true),
            (Some("shop.web.site2"), false),
            (Some("ops.cron"), true),
            (Some("opsx"), false),
            (None, false),
        ] {
            assert_eq!(policy.lets(caller), lets, "{caller:?}");
        }
        assert!(Policy::new().lets(None) && Policy::new().callers(&[]).lets(None));
    }
}
