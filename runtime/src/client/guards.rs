//! What happens around every call of a client: the built-in interceptors, in one piece.
//!
//! In: a call that begins. Out: a ticket to count it out with, and the policy, the breaker and the budget of its method. As
//! a request travels: count in, span, deadline, then the interceptors that people write, then for each attempt the breaker
//! and the way to an instance. Clones of a client share all of it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::ArcSwap;
use tracing::Span;

use super::breaker::Breaker;
use super::retry::Budget;
use crate::call::Call;
use crate::descriptor::{Method, Service};
use crate::metrics::{CallMetrics, Family, Side};
use crate::observe::Observed;
use crate::policy::{Policies, Policy, Said, UnknownTarget};

/// What a client keeps beside its connections.
pub(super) struct Guards {
    service: &'static Service,
    methods: Box<[Guard]>,
    said: Mutex<Said>,
    pub(super) budget: Budget,
}

/// What a client keeps of one method.
pub(super) struct Guard {
    policy: ArcSwap<Policy>,
    pub(super) breaker: Breaker,
    metrics: Arc<CallMetrics>,
}

impl Guard {
    /// What holds for the method now.
    pub(super) fn policy(&self) -> Policy {
        **self.policy.load()
    }

    /// Watches a call until it ends.
    pub(super) fn observe(&self, call: Call, policy: &Policy, span: Option<Span>) -> Observed {
        Observed::new(Side::Client, call, policy, || Arc::clone(&self.metrics), span)
    }
}

impl Guards {
    /// Guards calls of `service` at `target`: an address, or the app.
    pub(super) fn new(service: &'static Service, target: &str) -> Self {
        let said = Said::default();
        let guard = |method: &'static Method| {
            let kind = if method.kind.streams() { "stream" } else { "unary" };
            Guard {
                policy: ArcSwap::from_pointee(policy_of(&said, service, method)),
                breaker: Breaker::default(),
                metrics: Family::of(Side::Client, kind, method.path, service.app).peer(target),
            }
        };
        let methods = service.methods.iter().map(guard).collect();
        Self { service, methods, said: Mutex::new(said), budget: Budget::default() }
    }

    /// What is kept of a method of the service.
    pub(super) fn of(&self, method: &Method) -> Option<&Guard> {
        self.methods.get(method.index)
    }

    /// Changes what is said of the calls, from the next one on.
    ///
    /// # Errors
    ///
    /// Fails, and changes nothing, when something is said of a method that the service does not have.
    pub(super) fn say(&self, change: impl Fn(&mut Said)) -> Result<(), UnknownTarget> {
        let mut changed = self.said().clone();
        change(&mut changed);
        self.check(&changed)?;
        self.apply(change);
        Ok(())
    }

    fn apply(&self, change: impl Fn(&mut Said)) {
        let mut said = self.said();
        change(&mut said);
        for (guard, method) in self.methods.iter().zip(self.service.methods) {
            guard.policy.store(Arc::new(policy_of(&said, self.service, method)));
        }
    }

    fn check(&self, said: &Said) -> Result<(), UnknownTarget> {
        said.unknown(|name| self.is_known(name)).map_or(Ok(()), Err)
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Other services are other clients' business.
    fn is_known(&self, name: &str) -> bool {
        let (service, method) =
            name.split_once('/').map_or((name, None), |(service, method)| (service, Some(method)));
        let has = |name| self.service.methods.iter().any(|method| method.name() == name);
        service != self.service.name || method.is_none_or(has)
    }
}

fn policy_of(said: &Said, service: &Service, method: &Method) -> Policy {
    said.resolve(method.path, &service.policy, &method.policy, true)
}

/// Policies that a configuration may change, for all clients that an app has made.
#[derive(Clone)]
pub(crate) struct Configured(Arc<Mutex<Clients>>);

struct Clients {
    policies: Policies,
    guards: Vec<Weak<Guards>>,
}

impl Configured {
    pub(crate) fn new(policies: Policies) -> Self {
        Self(Arc::new(Mutex::new(Clients { policies, guards: Vec::new() })))
    }

    /// Whether the services of all clients have the methods that are spoken of.
    pub(crate) fn check(&self, policies: &Policies) -> Result<(), UnknownTarget> {
        let said = Said { configuration: policies.clone(), program: Policies::new() };
        self.lock().guards().try_for_each(|guards| guards.check(&said))
    }

    /// Lets `policies` hold for all clients, those that are made later included.
    pub(crate) fn set(&self, policies: Policies) {
        let mut clients = self.lock();
        clients.guards.retain(|guards| guards.strong_count() > 0);
        clients.policies = policies;
        for guards in clients.guards() {
            guards.apply(|said| clients.policies.clone_into(&mut said.configuration));
        }
    }

    /// Adds a client.
    pub(super) fn add(&self, guards: &Arc<Guards>) -> Result<(), UnknownTarget> {
        let mut clients = self.lock();
        clients.guards.push(Arc::downgrade(guards));
        guards.say(|said| clients.policies.clone_into(&mut said.configuration))
    }

    fn lock(&self) -> MutexGuard<'_, Clients> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clients {
    /// Those that are still there.
    fn guards(&self) -> impl Iterator<Item = Arc<Guards>> + '_ {
        self.guards.iter().filter_map(Weak::upgrade)
    }
}

impl fmt::Debug for Configured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configured").finish_non_exhaustive()
    }
}
