//! Endpoints that are equally welcome, and the rule by which one of them is taken.
//!
//! In: members, once for each list; then calls. Out: a member that can be used, or none. What a rule needs is made with
//! the list, so that a choice takes the same time however long it is, or its logarithm, while most of it can be used; nothing
//! is allocated for it. A member that is down, ejected, or that the call went to before, is passed over.

use std::time::Duration;

use http::HeaderName;

use super::count::Count;
use super::ejection::Standing;
use super::member::Member;
use super::picking::Picking;
use super::ring::Ring;
use super::table::Table;
use super::wheel::Wheel;
use crate::chance;
use crate::client::balancing::{Balancer, Balancing};

/// How often an endpoint is drawn before all are looked at.
const DRAWS: usize = 8;
/// How many points of a ring are looked at; several that follow each other may be those of one endpoint.
const POINTS: usize = 64;
/// How much better the second endpoint has to be by time. Smaller differences are noise, and would turn weights into ranks.
const MUCH: f64 = 1.5;

#[derive(Debug)]
pub(super) struct Tier {
    members: Box<[Member]>,
    /// Of their shares.
    mean: f64,
    rule: Rule,
    need: Need,
    is_enough: Count,
    has_usable: Count,
}

/// How one is taken.
#[derive(Debug)]
enum Rule {
    /// The better one of two that are drawn.
    Two(Table, By),
    RoundRobin(Wheel),
    ConsistentHash {
        ring: Ring,
        header: Option<HeaderName>,
        /// For calls without a key.
        table: Table,
    },
}

/// By what one of two is better.
#[derive(Clone, Copy, Debug)]
enum By {
    /// The time that calls take, and the number of those that run.
    Time,
    /// That number alone.
    Calls,
}

/// How much of a tier has to be usable for calls to prefer it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    pub(super) members: usize,
    /// Of all shares, from 0 to 1.
    pub(super) share: f64,
}

impl Need {
    pub(super) const NOTHING: Self = Self { members: 0, share: 0.0 };
}

/// A member, and whether the call that it gets is a probe.
pub(super) type Taken<'t> = (&'t Member, bool);

impl Tier {
    /// A tier of members, each with what tells it apart in all processes.
    pub(super) fn new(members: Vec<(&str, Member)>, balancing: &Balancing, need: Need) -> Self {
        let shares: Vec<f64> = members.iter().map(|(_, member)| member.share).collect();
        let rule = match balancing.balancer {
            Balancer::P2c => Rule::Two(Table::new(&shares), By::Time),
            Balancer::LeastRequest => Rule::Two(Table::new(&shares), By::Calls),
            Balancer::RoundRobin => Rule::RoundRobin(Wheel::new(&shares)),
            Balancer::ConsistentHash => Rule::ConsistentHash {
                ring: Ring::new(members.iter().map(|(id, member)| (*id, member.share))),
                header: balancing.hash_header.clone(),
                table: Table::new(&shares),
            },
        };
        Self {
            mean: shares.iter().sum::<f64>() / shares.len().max(1) as f64,
            members: members.into_iter().map(|(_, member)| member).collect(),
            rule,
            need,
            is_enough: Count::default(),
            has_usable: Count::default(),
        }
    }

    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    /// Whether so many of them can be used that nobody else need be asked.
    pub(super) fn is_enough(&self, at: Duration) -> bool {
        let usable = || self.members.iter().filter(|member| member.is_usable());
        self.is_enough.of(at, || {
            let share: f64 = usable().map(|member| member.share).sum();
            usable().count() >= self.need.members
                && share >= self.need.share * self.mean * self.members.len() as f64
        })
    }

    /// A member that can be used, by the rule, or any.
    pub(super) fn take_good(&self, picking: &Picking<'_>) -> Option<Taken<'_>> {
        let has_usable = || self.has_usable.of(picking.at, || self.members.iter().any(Member::is_usable));
        self.take(picking).or_else(|| {
            if has_usable() { self.any_good(picking).map(|member| (member, false)) } else { None }
        })
    }

    /// Whichever is the least bad.
    pub(super) fn take_any(&self, picking: &Picking<'_>) -> Option<Taken<'_>> {
        let any = || {
            self.any_good(picking)
                .or_else(|| self.anywhere().find(|member| member.is_usable()))
                .or_else(|| self.anywhere().find(|member| !member.endpoint.dialer.is_down()))
                .or_else(|| self.anywhere().next())
        };
        self.take(picking).or_else(|| any().map(|member| (member, false)))
    }

    /// A member that can be used, by the rule. Where most cannot, there may be one that this does not find.
    fn take(&self, picking: &Picking<'_>) -> Option<Taken<'_>> {
        match &self.rule {
            Rule::Two(table, by) => self.better(table, *by, picking),
            Rule::RoundRobin(wheel) => self.first((0..DRAWS).map_while(|_| wheel.next()), picking),
            Rule::ConsistentHash { ring, header, table } => match picking.key(header.as_ref()) {
                Some(key) => self.first(ring.after(key).take(POINTS), picking),
                None => self.better(table, By::Time, picking),
            },
        }
    }

    /// The better one of two that are drawn by weight.
    fn better(&self, table: &Table, by: By, picking: &Picking<'_>) -> Option<Taken<'_>> {
        let mut first: Option<&Member> = None;
        for _ in 0..DRAWS {
            let drawn = self.members.get(table.choose(chance::draw())?)?;
            match (drawn.standing(picking), first) {
                (Standing::Probe, _) => return Some((drawn, true)),
                (Standing::Ejected, _) => {}
                (Standing::Good, None) => first = Some(drawn),
                (Standing::Good, Some(first)) if first.is(drawn) => {}
                (Standing::Good, Some(first)) => {
                    let is_better = match by {
                        By::Time => self.cost(drawn, picking.at) * MUCH < self.cost(first, picking.at),
                        By::Calls => self.fullness(drawn) < self.fullness(first),
                    };
                    return Some((if is_better { drawn } else { first }, false));
                }
            }
        }
        first.map(|member| (member, false))
    }

    fn cost(&self, member: &Member, at: Duration) -> f64 {
        member.endpoint.cost(self.mean / member.share, at)
    }

    fn fullness(&self, member: &Member) -> f64 {
        member.endpoint.fullness(self.mean / member.share)
    }

    /// The first of these that can be used.
    fn first(&self, indexes: impl Iterator<Item = usize>, picking: &Picking<'_>) -> Option<Taken<'_>> {
        let mut last = None;
        for index in indexes {
            if last.replace(index) == Some(index) {
                continue;
            }
            let member = self.members.get(index)?;
            match member.standing(picking) {
                Standing::Good => return Some((member, false)),
                Standing::Probe => return Some((member, true)),
                Standing::Ejected => {}
            }
        }
        None
    }

    /// The first that can be used from any of them on.
    fn any_good(&self, picking: &Picking<'_>) -> Option<&Member> {
        self.anywhere().find(|member| member.is_usable() && !picking.was_at(&member.endpoint))
    }

    fn anywhere(&self) -> impl Iterator<Item = &Member> {
        let (before, after) = self.members.split_at(chance::below(self.members.len()).unwrap_or(0));
        after.iter().chain(before)
    }
}
