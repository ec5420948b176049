//! A call that an endpoint was chosen for, until it ended.
//!
//! In: what comes back, or that nothing did. Out: what is known of the endpoint. A call counts as failed when the endpoint
//! says UNAVAILABLE, when its connection breaks, and when a unary call is not answered before the deadline. An endpoint
//! cannot help that a call is cancelled, or that it was given less time than answers usually take here.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tonic::Code;

use super::endpoint::Endpoint;
use super::set::Set;
use crate::call::{Call, now};
use crate::descriptor::Kind;

pub(super) struct Ticket {
    set: Arc<Set>,
    endpoint: Arc<Endpoint>,
    is_probe: bool,
    /// The call could have gone elsewhere.
    has_others: bool,
    /// Both ways are one message, so that the time to the head of the response says how fast the endpoint is.
    is_unary: bool,
    deadline: Option<Instant>,
    progress: Progress,
}

enum Progress {
    Waiting,
    /// The request began to be sent.
    Sent(Duration),
    /// The head of a response came.
    Answered,
    /// The endpoint knows how it ended.
    Settled,
}

impl Ticket {
    pub(super) fn new(
        set: Arc<Set>,
        endpoint: Arc<Endpoint>,
        call: &Call,
        is_probe: bool,
        has_others: bool,
    ) -> Self {
        endpoint.in_flight.fetch_add(1, Relaxed);
        let is_unary = call.method().kind == Kind::Unary;
        let (deadline, progress) = (call.deadline(), Progress::Waiting);
        Self { set, endpoint, is_probe, has_others, is_unary, deadline, progress }
    }

    pub(super) fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// Whether the call could have gone elsewhere.
    pub(super) fn has_others(&self) -> bool {
        self.has_others
    }

    /// The request is sent now.
    pub(super) fn begin(&mut self) {
        self.progress = Progress::Sent(self.set.at());
    }

    /// The head of a response came, or trailers, with this code if it has one.
    pub(super) fn answered(&mut self, code: Option<Code>) {
        if let Progress::Sent(began) = self.progress {
            self.progress = Progress::Answered;
            let at = self.set.at();
            if self.is_unary {
                self.endpoint.latency.observe(at.saturating_sub(began), at);
            }
        }
        match code {
            _ if matches!(self.progress, Progress::Settled) => {}
            Some(Code::Unavailable) => self.fail(),
            // It says so of itself, or of what it calls.
            Some(Code::DeadlineExceeded) => {}
            Some(_) => self.succeed(),
            // A stream may last for ever; that it began is enough to find out.
            None if self.is_probe => self.endpoint.health.succeeded(std::mem::take(&mut self.is_probe)),
            None => {}
        }
    }

    /// No response came, or it broke off.
    pub(super) fn failed(&mut self, is_unprocessed: bool) {
        if !is_unprocessed && !matches!(self.progress, Progress::Settled) {
            self.fail();
        }
    }

    fn succeed(&mut self) {
        self.progress = Progress::Settled;
        self.endpoint.health.succeeded(std::mem::take(&mut self.is_probe));
    }

    fn fail(&mut self) {
        self.progress = Progress::Settled;
        let should_leave = self.endpoint.health.failed();
        if std::mem::take(&mut self.is_probe) || should_leave {
            self.set.eject(&self.endpoint);
        }
    }

    /// Whether the deadline passed without an answer, although there was time for one.
    fn was_left_waiting(&self) -> Option<Duration> {
        let Progress::Sent(began) = self.progress else { return None };
        let at = self.set.at();
        let waited = at.saturating_sub(began);
        let is_late = self.is_unary && self.deadline.is_some_and(|deadline| deadline <= now());
        (is_late && waited >= self.endpoint.latency.get(at)).then_some(waited)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.endpoint.in_flight.fetch_sub(1, Relaxed);
        if let Some(waited) = self.was_left_waiting() {
            self.endpoint.latency.observe(waited, self.set.at());
            self.fail();
        }
        if self.is_probe {
            self.endpoint.health.undecided();
        }
    }
}
