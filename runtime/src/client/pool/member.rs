//! One endpoint in a list, and how much of the calls it is to have.
//!
//! In: the record of an instance. Out: its endpoint, the one that it had before if it had one, and its share. An instance that
//! began lately, and is to warm up, has less than its weight: `weight * uptime / warmup`, and a hundredth at first
//! (`AbstractLoadBalance.java` of Dubbo).

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::ejection::Standing;
use super::endpoint::Endpoint;
use super::picking::Picking;
use crate::registry::Instance;

/// Where a record says how long its instance warms up, in milliseconds. It is a parameter of Dubbo's URLs.
const WARMUP: &str = "warmup";
/// What an instance has at least of its weight.
const LEAST: f64 = 0.01;
/// Shares grow in so many steps, which are not shorter than this.
const STEPS: u32 = 100;
const SHORTEST_STEP: Duration = Duration::from_millis(100);

/// One endpoint in a list.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) endpoint: Arc<Endpoint>,
    /// What its record asks for.
    pub(super) weight: u32,
    /// What it gets, beside the others.
    pub(super) share: f64,
    /// When its instance began, as its record says it, and since when it is known so here.
    pub(super) began: (u64, Instant),
}

impl Member {
    /// Whether a call may go there.
    pub(super) fn standing(&self, picking: &Picking<'_>) -> Standing {
        let Endpoint { dialer, health, .. } = &*self.endpoint;
        if dialer.is_down() {
            dialer.knock();
            return Standing::Ejected;
        }
        if picking.was_at(&self.endpoint) { Standing::Ejected } else { health.standing(picking.at) }
    }

    /// Whether they are one.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.endpoint, &other.endpoint)
    }

    /// Whether calls may go there, as far as that is known.
    pub(super) fn is_usable(&self) -> bool {
        !self.endpoint.dialer.is_down() && !self.endpoint.health.is_ejected()
    }
}

/// What an instance gets at the time `at` as a part of its weight, and when it gets more, if it does.
pub(super) fn warmth(
    instance: &Instance,
    known: Instant,
    usual: Duration,
    clock: Clock,
    at: Duration,
) -> (f64, Option<Duration>) {
    let said = instance.metadata.get(WARMUP).and_then(|text| text.parse().ok());
    let warmup = said.map_or(usual, Duration::from_millis);
    if warmup.is_zero() || instance.started == 0 {
        return (1.0, None);
    }
    // Clocks of machines differ; here it is at least as old as it is known.
    let said = clock.since_epoch(at).saturating_sub(Duration::from_millis(instance.started));
    let uptime = said.max(clock.since(known, at));
    if uptime >= warmup {
        return (1.0, None);
    }
    let step = (warmup / STEPS).max(SHORTEST_STEP).min(warmup - uptime);
    (uptime.div_duration_f64(warmup).max(LEAST), Some(at + step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::now;

    #[test]
    fn shares_grow_with_the_uptime() {
        let clock = Clock::default();
        let known = now();
        let began = u64::try_from(clock.since_epoch(Duration::ZERO).as_millis()).unwrap();
        let mut instance = Instance { started: began, ..Instance::new("a.b.c", "10.1.0.7:9000") };
        let share = |instance: &Instance, usual: u64, at: u64| {
            let (usual, at) = (Duration::from_secs(usual), Duration::from_secs(at));
            let (share, next) = warmth(instance, known, usual, clock, at);
            // The calendar is not read in whole milliseconds.
            ((share * 10_000.0).round() / 10_000.0, next.map(|next| (next - at).as_millis()))
        };
        assert_eq!(share(&instance, 0, 0), (1.0, None), "nobody asked for it");
        assert_eq!(share(&instance, 600, 0), (0.01, Some(6000)));
        assert_eq!(share(&instance, 600, 150), (0.25, Some(6000)));
        assert_eq!(share(&instance, 600, 600), (1.0, None));
        assert_eq!(share(&instance, 1, 0), (0.01, Some(100)));
        instance.metadata.insert("warmup".to_owned(), "200000".to_owned());
        assert_eq!(share(&instance, 600, 150), (0.75, Some(2000)), "its record knows better");
        instance.metadata.insert("warmup".to_owned(), "soon".to_owned());
        assert_eq!(share(&instance, 600, 150).0, 0.25);
        // The clock of its machine is ahead by hours: it is as old as it is known here.
        instance.started += 10_000_000;
        assert_eq!(share(&instance, 600, 150).0, 0.25);
        instance.started = 0;
        assert_eq!(share(&instance, 600, 150), (1.0, None), "it does not say when it began");
    }
}
