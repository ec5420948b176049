//! What holds for the calls of a method, or of all methods of a service.

use serde::Serialize;

/// How messages are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Compress {
    /// Not at all.
    None,
    /// With gzip.
    Gzip,
    /// With zstd.
    Zstd,
}

/// What the IDL says of calls. Times are in milliseconds; what is not said is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Policy {
    /// The longest that a call with one request and one reply takes.
    pub timeout_ms: Option<u64>,
    /// The longest that a stream waits for the first sign of the other side.
    pub open_timeout_ms: Option<u64>,
    /// The longest that a stream may carry no message.
    pub idle_timeout_ms: Option<u64>,
    /// The largest request.
    pub max_request_bytes: Option<u64>,
    /// The largest reply.
    pub max_reply_bytes: Option<u64>,
    /// How many calls run at once.
    pub in_flight: Option<u32>,
    /// Who may call; nobody is named if everybody may.
    pub callers: Vec<String>,
    /// How often a call is tried.
    pub retry_attempts: Option<u32>,
    /// The numbers of the codes after which it is tried again.
    pub retry_codes: Vec<i32>,
    /// The first pause.
    pub retry_backoff_ms: Option<u64>,
    /// The longest pause.
    pub retry_max_backoff_ms: Option<u64>,
    /// Whether a service that fails is spared.
    pub breaker: Option<bool>,
    /// How many of a million calls get a line in the access log.
    pub access_log_ppm: Option<u32>,
    /// From which time on a call is slow.
    pub slow_log_ms: Option<u64>,
    /// Whether calls are counted and measured.
    pub metrics: Option<bool>,
    /// Whether calls have spans.
    pub trace: Option<bool>,
    /// How messages are compressed.
    pub compress: Option<Compress>,
}
