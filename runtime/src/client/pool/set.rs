//! The endpoints among which each call chooses.
//!
//! In: a list of endpoints with their weights. Out: for each call one of them. Two are drawn by weight, and the second is
//! taken if the first is much worse (power of two choices); nothing is allocated, and the time does not depend on how
//! many there are while most of them can be used. A list that changes is another set; endpoints that stay are shared.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::ejection::Standing;
use super::endpoint::Endpoint;
use super::table::Table;
use super::ticket::Ticket;
use crate::call::{Call, now};
use crate::chance;

/// How often an endpoint is drawn before all are looked at.
const DRAWS: usize = 8;

/// How much better the second endpoint has to be. Smaller differences are noise, and would turn weights into ranks.
const MUCH: f64 = 1.5;

/// One endpoint in a list.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) weight: u32,
}

/// A list of endpoints.
#[derive(Debug)]
pub(super) struct Set {
    members: Box<[Member]>,
    table: Table,
    mean: f64,
    clock: Clock,
    /// Held while an endpoint is sent away, so that no two of them are the last that may.
    ejecting: Arc<Mutex<()>>,
}

/// The time since a moment that all endpoints of a pool share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn at(self) -> Duration {
        now().saturating_duration_since(self.0)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self(now())
    }
}

impl Set {
    /// A set of nothing.
    pub(super) fn empty() -> Arc<Self> {
        Arc::new(Self::with(Vec::new(), Clock::default(), Arc::default()))
    }

    /// Another list of the same pool.
    pub(super) fn changed(&self, members: Vec<Member>) -> Arc<Self> {
        let set = Self::with(members, self.clock, Arc::clone(&self.ejecting));
        set.take_back();
        Arc::new(set)
    }

    fn with(members: Vec<Member>, clock: Clock, ejecting: Arc<Mutex<()>>) -> Self {
        let weights: Vec<u32> = members.iter().map(|member| member.weight).collect();
        let total: f64 = weights.iter().copied().map(f64::from).sum();
        let mean = total / weights.len().max(1) as f64;
        Self { members: members.into(), table: Table::new(&weights), mean, clock, ejecting }
    }

    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    pub(super) fn at(&self) -> Duration {
        self.clock.at()
    }

    /// Chooses an endpoint for a call; `None` when there is none at all.
    pub(super) fn pick(self: &Arc<Self>, call: &Call) -> Option<Ticket> {
        let at = self.at();
        let (member, is_probe) = self.choose(at)?;
        Some(Ticket::new(Arc::clone(self), Arc::clone(&member.endpoint), is_probe, call))
    }

    /// An endpoint, and whether the call that it gets is a probe.
    fn choose(&self, at: Duration) -> Option<(&Member, bool)> {
        if let [only] = &*self.members {
            return Some((only, false));
        }
        let mut first: Option<&Member> = None;
        for _ in 0..DRAWS {
            let drawn = self.members.get(self.table.choose(chance::draw())?)?;
            match (self.standing(drawn, at), first) {
                (Standing::Probe, _) => return Some((drawn, true)),
                (Standing::Ejected, _) => {}
                (Standing::Good, None) => first = Some(drawn),
                (Standing::Good, Some(first)) if Arc::ptr_eq(&first.endpoint, &drawn.endpoint) => {}
                (Standing::Good, Some(first)) => return Some((self.better(first, drawn, at), false)),
            }
        }
        first.or_else(|| self.any()).map(|member| (member, false))
    }

    fn standing(&self, member: &Member, at: Duration) -> Standing {
        let Endpoint { dialer, health, .. } = &*member.endpoint;
        if dialer.is_down() {
            dialer.knock();
            return Standing::Ejected;
        }
        health.standing(at)
    }

    fn better<'a>(&self, first: &'a Member, second: &'a Member, at: Duration) -> &'a Member {
        let cost = |member: &Member| member.endpoint.cost(self.mean / f64::from(member.weight), at);
        if cost(second) * MUCH < cost(first) { second } else { first }
    }

    /// The first good one from any of them on; if none is, any that has a connection, or just any.
    fn any(&self) -> Option<&Member> {
        let (before, after) = self.members.split_at_checked(chance::below(self.members.len())?)?;
        let all = || after.iter().chain(before);
        let is_good =
            |member: &&Member| !member.endpoint.dialer.is_down() && !member.endpoint.health.is_ejected();
        all()
            .find(is_good)
            .or_else(|| all().find(|member| !member.endpoint.dialer.is_down()))
            .or(after.first())
    }

    /// Sends an endpoint away, unless half of them are away already.
    pub(super) fn eject(&self, endpoint: &Endpoint) {
        let _one_at_a_time = self.ejecting.lock().unwrap_or_else(PoisonError::into_inner);
        if endpoint.health.is_ejected() || (self.ejected() + 1) * 2 <= self.members.len() {
            endpoint.health.eject(self.at());
            tracing::warn!(?endpoint, "an endpoint fails and gets no calls for a while");
        }
    }

    fn ejected(&self) -> usize {
        self.members.iter().filter(|member| member.endpoint.health.is_ejected()).count()
    }

    /// Takes endpoints back until no more than half of them are away, after the list became shorter.
    fn take_back(&self) {
        let _one_at_a_time = self.ejecting.lock().unwrap_or_else(PoisonError::into_inner);
        let excess = self.ejected().saturating_sub(self.members.len() / 2);
        let away = self.members.iter().filter(|member| member.endpoint.health.is_ejected());
        away.take(excess).for_each(|member| member.endpoint.health.release());
    }
}
