//! What is written down of every call, on both sides: numbers, lines of log, spans.
//!
//! In: a call that begins, its policy. Out: when it ends, and also when it is dropped, one line in the metrics, and lines of
//! the log under `jovian::access` and `jovian::slow`. Spans stand under `jovian::call`: they are made when somebody
//! listens for them, so that the level of the log switches them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tonic::Code;
use tracing::{Level, Span};

use crate::call::{Call, Trace, now};
use crate::chance;
use crate::codes;
use crate::descriptor::Method;
use crate::metrics::{CallMetrics, Side};
use crate::policy::Policy;

/// A call that is watched until it ends.
pub(crate) struct Observed {
    side: Side,
    call: Call,
    policy: Policy,
    metrics: Option<Arc<CallMetrics>>,
    span: Option<Span>,
    ended: bool,
}

impl Observed {
    /// Begins to watch; `metrics` is asked for if the policy wants them.
    pub(crate) fn new(
        side: Side,
        call: Call,
        policy: &Policy,
        metrics: impl FnOnce() -> Arc<CallMetrics>,
        span: Option<Span>,
    ) -> Self {
        let metrics = policy.metrics.unwrap_or(true).then(metrics);
        Self { side, call, policy: *policy, metrics, span, ended: false }
    }

    pub(crate) fn call(&self) -> &Call {
        &self.call
    }

    /// The span to poll the call in.
    pub(crate) fn span(&self) -> Option<&Span> {
        self.span.as_ref()
    }

    /// Writes down how the call ended, the first time; whether it was the first time.
    pub(crate) fn end(&mut self, code: Code, message: &str) -> bool {
        if std::mem::replace(&mut self.ended, true) {
            return false;
        }
        let took = now().saturating_duration_since(self.call.started());
        if let Some(metrics) = &self.metrics {
            metrics.ended(code, took);
        }
        // A stream lasts as long as its caller wants.
        let slow = self.policy.slow_log.unwrap_or(self.side.slow());
        let is_slow = !slow.is_zero() && took >= slow && !self.call.method().kind.streams();
        if is_slow || chance::hits(self.policy.access_log.unwrap_or(0.0)) {
            self.write(is_slow, code, message, took);
        }
        true
    }

    /// What a call ends with that nobody waits for any longer: its time ran out, or its caller went away.
    pub(crate) fn code_of_dropped(&self) -> Code {
        if self.call.is_over() { Code::DeadlineExceeded } else { Code::Cancelled }
    }

    #[cold]
    fn write(&self, is_slow: bool, code: Code, message: &str, took: Duration) {
        let (call, side, code) = (&self.call, self.side.name(), codes::name(code));
        let (method, caller) = (call.method().path, call.caller());
        let peer = call.peer().map(tracing::field::display);
        let trace = call.trace().map(tracing::field::display);
        // No digits that the clock does not have.
        let (ms, error) = (took.as_micros() as f64 / 1e3, (!message.is_empty()).then_some(message));
        if is_slow {
            tracing::warn!(target: "jovian::slow", side, method, code, ms, caller, peer, trace, error, "slow call");
        } else {
            tracing::info!(target: "jovian::access", side, method, code, ms, caller, peer, trace, error, "call");
        }
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        self.end(self.code_of_dropped(), "");
    }
}

impl Side {
    /// From which time on a call is slow, unless somebody says otherwise; as in Jupiter.
    fn slow(self) -> Duration {
        Duration::from_millis(match self {
            Self::Server => 500,
            Self::Client => 600,
        })
    }
}

/// The span of a call that is answered, if spans are wanted: part of `above`, or the first of a trace.
pub(crate) fn serving(call: &Call, above: Option<Trace>) -> Option<(Trace, Span)> {
    wanted().then(|| {
        let trace = above.map_or_else(Trace::root, Trace::child);
        let span = tracing::debug_span!(
            target: "jovian::call",
            "serve",
            method = call.method().path,
            caller = call.caller(),
            trace_id = %trace,
            span_id = format_args!("{:016x}", trace.span_id),
            parent_id = format_args!("{:016x}", trace.parent_id),
            otel.kind = "server",
        );
        (trace, span)
    })
}

/// The span of a call that is made, if spans are wanted.
pub(crate) fn calling(method: &Method, above: impl FnOnce() -> Option<Trace>) -> Option<(Trace, Span)> {
    wanted().then(|| {
        let trace = above().map_or_else(Trace::root, Trace::child);
        let span = tracing::debug_span!(
            target: "jovian::call",
            "call",
            method = method.path,
            trace_id = %trace,
            span_id = format_args!("{:016x}", trace.span_id),
            parent_id = format_args!("{:016x}", trace.parent_id),
            otel.kind = "client",
        );
        (trace, span)
    })
}

/// Shows a message of a call that is answered to whoever listens for `jovian::message` at the level trace; what the IDL marks with `debug_redact` is
/// hidden by its `Debug`.
#[inline]
pub(crate) fn message(what: &'static str, message: &dyn fmt::Debug) {
    if tracing::enabled!(target: "jovian::message", Level::TRACE) {
        show(what, message);
    }
}

#[cold]
fn show(what: &'static str, message: &dyn fmt::Debug) {
    let method = Call::current().map(|call| call.method().path);
    tracing::trace!(target: "jovian::message", method, ?message, "{what}");
}

fn wanted() -> bool {
    tracing::enabled!(target: "jovian::call", Level::DEBUG)
}
