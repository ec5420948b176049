//! Which endpoints a call may go to, and in which order.
//!
//! In: the instances of a list with their endpoints, once; then calls. Out: an endpoint.
//!
//! An instance with a colour is for calls of that colour. They go to one without a colour when none of theirs can be used, unless they
//! say that they must not; calls without a colour go to no others (tags of Dubbo, `TagStateRouter.java`). Of the instances that a
//! call may go to, those are preferred that share with the caller what it prefers, as long as enough of them can be used.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::member::Member;
use super::picking::Picking;
use super::subset::subset;
use super::tier::{Need, Tier};
use crate::client::balancing::{Balancing, Place};
use crate::registry::Instance;

/// An instance and its endpoint.
pub(super) type Candidate<'a> = (&'a Instance, Member);

#[derive(Debug, Default)]
pub(super) struct Routes {
    plain: Route,
    /// None for addresses that a program gave: nobody said anything of those.
    coloured: Option<HashMap<Box<str>, Route>>,
}

/// Tiers, the most welcome first.
#[derive(Clone, Debug, Default)]
struct Route {
    tiers: Vec<Arc<Tier>>,
    /// How many of them are of the colour of the call.
    own: usize,
}

/// What was chosen.
pub(super) struct Chosen<'r> {
    pub(super) member: &'r Member,
    pub(super) is_probe: bool,
    /// Whether the call could go elsewhere.
    pub(super) has_others: bool,
}

impl Routes {
    /// The routes to candidates of a registry.
    pub(super) fn to_instances(candidates: &[Candidate<'_>], balancing: &Balancing) -> Self {
        let mut by_colour = BTreeMap::<&str, Vec<&Candidate<'_>>>::new();
        for candidate in candidates {
            by_colour.entry(&candidate.0.colour).or_default().push(candidate);
        }
        let plain = Route::to(by_colour.remove("").unwrap_or_default(), balancing);
        let coloured = by_colour.into_iter().map(|(colour, own)| {
            let mut route = Route::to(own, balancing);
            route.tiers.extend(plain.tiers.iter().cloned());
            (colour.into(), route)
        });
        Self { coloured: Some(coloured.collect()), plain }
    }

    /// The routes to addresses of which nothing else is known.
    pub(super) fn to_addresses(candidates: &[Candidate<'_>], balancing: &Balancing) -> Self {
        Self { plain: Route::to(candidates.iter().collect(), balancing), coloured: None }
    }

    /// Those of the candidates that any call may go to.
    pub(super) fn members(&self, candidates: Vec<Candidate<'_>>, balancing: &Balancing) -> Box<[Member]> {
        let members = candidates.into_iter().map(|(_, member)| member);
        if balancing.subset_size == 0 {
            return members.collect();
        }
        let routes =
            std::iter::once(&self.plain).chain(self.coloured.iter().flatten().map(|(_, route)| route));
        let used: HashSet<u32> = routes
            .flat_map(|route| route.tiers.iter().flat_map(|tier| tier.members()))
            .map(|member| member.endpoint.number)
            .collect();
        members.filter(|member| used.contains(&member.endpoint.number)).collect()
    }

    /// An endpoint for a call; `None` when there is none at all that it may go to.
    pub(super) fn choose(&self, picking: &Picking<'_>) -> Option<Chosen<'_>> {
        let (last, better) = self.tiers(picking)?.split_last()?;
        let has_others = last.members().len() > 1 || !better.is_empty();
        let (member, is_probe) = if has_others {
            let mut welcome = better.iter().filter(|tier| tier.is_enough(picking.at));
            welcome.find_map(|tier| tier.take_good(picking)).or_else(|| last.take_any(picking))?
        } else {
            (last.members().first()?, false)
        };
        Some(Chosen { member, is_probe, has_others })
    }

    /// The tiers of a call, the most welcome first.
    fn tiers(&self, picking: &Picking<'_>) -> Option<&[Arc<Tier>]> {
        let Some(coloured) = &self.coloured else { return Some(&self.plain.tiers) };
        let own = || picking.call.colour().and_then(|colour| coloured.get(colour));
        let own = if coloured.is_empty() { None } else { own() };
        match (own, picking.is_colour_forced()) {
            (None, false) => Some(&self.plain.tiers),
            (None, true) => None,
            (Some(route), false) => Some(&route.tiers),
            (Some(route), true) => route.tiers.get(..route.own),
        }
    }
}

impl Route {
    /// The tiers of candidates: those who share all that is preferred, then those who share the more important of it, then all.
    fn to(candidates: Vec<&Candidate<'_>>, balancing: &Balancing) -> Self {
        let mut tiers: Vec<Arc<Tier>> = Vec::new();
        let mut known = 0;
        for shared in (0..=balancing.near.len()).rev() {
            let places = balancing.near.get(..shared).unwrap_or_default();
            let near: Vec<&Candidate<'_>> =
                candidates.iter().copied().filter(|(instance, _)| shares(instance, places)).collect();
            // Each contains the one before.
            if near.len() == known {
                continue;
            }
            known = near.len();
            let need = if places.is_empty() {
                Need::NOTHING
            } else {
                Need { members: balancing.near_min, share: balancing.near_share }
            };
            let used = subset(near, |(instance, _)| &instance.id, balancing.subset_size, balancing.subset_id);
            let members = used.into_iter().map(|(instance, member)| (instance.id.as_str(), member.clone()));
            tiers.push(Arc::new(Tier::new(members.collect(), balancing, need)));
        }
        Self { own: tiers.len(), tiers }
    }
}

fn shares(instance: &Instance, places: &[Place]) -> bool {
    places.iter().all(|place| place.has(instance))
}
