//! The endpoints among which each call chooses.
//!
//! In: a list of instances. Out: for each call one of their endpoints. A list that changes is another set; endpoints that
//! stay are shared, with their connections and what is known of them. So is a set in which shares have grown.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::clock::Clock;
use super::endpoint::Endpoint;
use super::member::{Member, warmth};
use super::picking::Picking;
use super::routes::{Candidate, Chosen, Routes};
use super::settings::Settings;
use super::ticket::Ticket;
use super::wants_calls;
use crate::call::{Call, now};
use crate::client::address::Address;
use crate::registry::Instance;

/// A list of endpoints.
#[derive(Debug, Default)]
pub(super) struct Set {
    members: Box<[Member]>,
    routes: Routes,
    clock: Clock,
    /// When the share of somebody grows.
    until: Option<Duration>,
    /// Held while an endpoint is sent away, so that no two of them are the last that may.
    ejecting: Arc<Mutex<()>>,
}

impl Set {
    /// The set of another list of the same pool. Whether a registry tells it makes a difference to whom calls may go.
    pub(super) fn changed(
        &self,
        list: &[impl Borrow<Instance>],
        settings: &Settings,
        is_told: bool,
    ) -> Arc<Self> {
        let at = self.at();
        let known: HashMap<&str, &Member> =
            self.members.iter().map(|member| (member.endpoint.name.as_str(), member)).collect();
        let mut until = None;
        let wanted = list.iter().map(Borrow::borrow).filter(|instance| wants_calls(instance));
        let candidates: Vec<Candidate<'_>> = wanted
            .filter_map(|instance| {
                let place = place(instance, is_told);
                let known = known
                    .get(place)
                    .filter(|known| known.endpoint.dialer.address().is_of(instance, settings.service));
                let endpoint = match known {
                    Some(known) => Arc::clone(&known.endpoint),
                    None => endpoint(instance, place, settings)?,
                };
                let same = known.map(|known| known.began).filter(|(began, _)| *began == instance.started);
                let since = same.map_or_else(now, |(_, since)| since);
                let (part, next) = warmth(instance, since, settings.balancing.warmup, self.clock, at);
                until = [until, next].into_iter().flatten().min();
                let (weight, began) = (instance.weight, (instance.started, since));
                Some((instance, Member { endpoint, weight, share: f64::from(weight) * part, began }))
            })
            .collect();
        let routes = match is_told {
            true => Routes::to_instances(&candidates, &settings.balancing),
            false => Routes::to_addresses(&candidates, &settings.balancing),
        };
        let members = routes.members(candidates, &settings.balancing);
        let set = Self { members, routes, clock: self.clock, until, ejecting: Arc::clone(&self.ejecting) };
        set.take_back();
        Arc::new(set)
    }

    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    pub(super) fn at(&self) -> Duration {
        self.clock.at()
    }

    /// Whether shares are still what they were.
    pub(super) fn is_current(&self) -> bool {
        self.until.is_none_or(|until| self.at() < until)
    }

    /// Chooses an endpoint for a call; `None` when there is none at all.
    pub(super) fn pick(self: &Arc<Self>, call: &Call) -> Option<Ticket> {
        let Chosen { member, is_probe, has_others } = self.routes.choose(&Picking { call, at: self.at() })?;
        call.visited().add(member.endpoint.number);
        Some(Ticket::new(Arc::clone(self), Arc::clone(&member.endpoint), call, is_probe, has_others))
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

/// Where an instance is. An address that a program gave may be one name for several places, which are the ids.
fn place(instance: &Instance, is_told: bool) -> &str {
    if is_told { &instance.address } else { &instance.id }
}

/// The endpoint of an instance that is new; one bad record hides no other.
fn endpoint(instance: &Instance, place: &str, settings: &Settings) -> Option<Arc<Endpoint>> {
    match Address::of(instance, settings.service, settings.is_tls()) {
        Ok(address) if place == instance.address => Some(Endpoint::new(place, address, settings)),
        Ok(address) => Some(Endpoint::new(place, address.at(place), settings)),
        Err(error) => {
            tracing::warn!(app = instance.app, %error, "an instance has no usable address");
            None
        }
    }
}
