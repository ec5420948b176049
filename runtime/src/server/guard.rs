//! What happens around every call of a server, whoever wrote the handler: the built-in interceptors, in one piece.
//!
//! In: a call that begins. Out: leave for it to run, or a refusal; and, when it ends, numbers and lines of log. As a request
//! travels: count in, span, access rules, limit of calls in flight, deadline, panic guard, then the interceptors that
//! people write. Every call that is entered is left exactly once, also when it is dropped where it waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use arc_swap::ArcSwap;
use http::HeaderMap;
use tonic::{Code, Status};
use tracing::Span;

use super::bound::BoundService;
use super::exchange::Exchange;
use super::outbox::Outbox;
use super::stats::Stats;
use crate::call::Call;
use crate::descriptor::{Method, Service};
use crate::interceptor::Interceptors;
use crate::metrics::{Family, Side};
use crate::observe::{self, Observed};
use crate::policy::Policy;

/// What a server keeps of one method.
pub(super) struct Guard {
    service: BoundService,
    method: &'static Method,
    interceptors: Interceptors,
    /// What holds for it now; a configuration that changes replaces it.
    policy: ArcSwap<Policy>,
    running: AtomicU32,
    metrics: Arc<Family>,
    stats: Stats,
}

impl Guard {
    /// Guards a method of `service`, with `interceptors` around those of the service.
    pub(super) fn new(
        service: BoundService,
        method: &'static Method,
        interceptors: &Interceptors,
        policy: Policy,
        stats: Stats,
    ) -> Self {
        let kind = if method.kind.streams() { "stream" } else { "unary" };
        Self {
            interceptors: service.interceptors(interceptors, method),
            service,
            method,
            policy: ArcSwap::from_pointee(policy),
            running: AtomicU32::new(0),
            metrics: Family::of(Side::Server, kind, method.path, ""),
            stats,
        }
    }

    pub(super) fn method(&self) -> &'static Method {
        self.method
    }

    /// What the IDL says of the service that it is a method of.
    pub(super) fn service(&self) -> &'static Service {
        self.service.service()
    }

    /// Whether a request is for the group and version that the service is served in.
    pub(super) fn serves(&self, headers: &HeaderMap) -> Result<(), Status> {
        self.service.section().serves(self.service().name, headers)
    }

    /// Runs one call to its end; what it says goes to `outbox`.
    pub(super) fn answer(
        &self,
        call: Call,
        io: Exchange,
        outbox: &Outbox,
    ) -> impl Future<Output = Result<(), Status>> + Send {
        self.service.answer(&self.interceptors, call, io, outbox)
    }

    /// What holds for the method now.
    pub(super) fn policy(&self) -> Policy {
        **self.policy.load()
    }

    /// What holds from now on.
    pub(super) fn set_policy(&self, policy: Policy) {
        self.policy.store(Arc::new(policy));
    }

    /// Counts a call in, until the ticket is used or dropped, and makes it a span if anybody records spans.
    pub(super) fn enter(self: &Arc<Self>, call: Call, policy: &Policy) -> Ticket {
        let before = Before { method: self.running.fetch_add(1, Relaxed), server: self.stats.enter() };
        let (call, span) = match policy.trace.unwrap_or(true).then(|| observe::serving(&call, call.trace())) {
            Some(Some((trace, span))) => (call.within(trace), Some(span)),
            _ => (call, None),
        };
        let caller = call.clone();
        let metrics = || self.metrics.peer(caller.caller().unwrap_or_default());
        let observed = Observed::new(Side::Server, call, policy, metrics, span);
        Ticket { guard: Arc::clone(self), observed, before }
    }

    /// Counts a panic of the handler.
    pub(super) fn panicked(&self) {
        self.stats.panicked();
        self.metrics.panicked();
    }
}

/// A call that was counted in and will be counted out.
pub(super) struct Ticket {
    guard: Arc<Guard>,
    observed: Observed,
    before: Before,
}

/// How many calls ran when this one came.
struct Before {
    method: u32,
    server: u64,
}

impl Ticket {
    pub(super) fn call(&self) -> &Call {
        self.observed.call()
    }

    /// The span to poll the call in.
    pub(super) fn span(&self) -> Option<&Span> {
        self.observed.span()
    }

    /// Whether the call may run; `most` is what the whole server runs at once, 0 sets no limit.
    pub(super) fn admit(&self, policy: &Policy, most: u64) -> Result<(), Status> {
        let caller = self.call().caller();
        if !policy.lets(caller) {
            return Err(match caller {
                Some(caller) => Status::permission_denied(format!("`{caller}` may not call this method")),
                None => Status::unauthenticated("this method is for callers who say who they are"),
            });
        }
        let Before { method, server } = self.before;
        if let Some(most) = policy.in_flight.filter(|most| (1..=method).contains(most)) {
            return Err(Status::resource_exhausted(format!("{most} calls of this method run already")));
        }
        if (1..=server).contains(&most) {
            return Err(Status::resource_exhausted(format!("{most} calls run already")));
        }
        Ok(())
    }

    /// Counts the call out; only the first time counts.
    pub(super) fn leave(&mut self, code: Code, message: &str, upstream: bool) {
        if self.observed.end(code, message) {
            self.guard.running.fetch_sub(1, Relaxed);
            self.guard.stats.leave(code, upstream);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.leave(self.observed.code_of_dropped(), "", false);
    }
}
