//! Endpoints that fail are left alone for a while.
//!
//! In: how calls ended. Out: whether an endpoint gets calls. Five failures in a row send it away, for a second, and then
//! for twice as long each time that its first call afterwards, the probe, fails, too.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Failures in a row that send an endpoint away.
const FAILURES: u32 = 5;

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// What is known of one endpoint's failures. Times are those since some moment that all users share.
#[derive(Debug, Default)]
pub(super) struct Health {
    failures: AtomicU32,
    is_ejected: AtomicBool,
    ejection: Mutex<Ejection>,
}

#[derive(Debug, Default)]
struct Ejection {
    until: Duration,
    /// How long the last one was.
    length: Duration,
    /// A call is on its way to find out.
    is_probed: bool,
}

/// Whether an endpoint may have a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Good,
    /// It may have one, to find out. Nobody else gets one before that call ended.
    Probe,
    Ejected,
}

impl Health {
    pub(super) fn is_ejected(&self) -> bool {
        self.is_ejected.load(Relaxed)
    }

    pub(super) fn standing(&self, at: Duration) -> Standing {
        if !self.is_ejected() {
            return Standing::Good;
        }
        let mut ejection = self.ejection();
        if ejection.is_probed || at < ejection.until {
            return Standing::Ejected;
        }
        ejection.is_probed = true;
        Standing::Probe
    }

    /// A call ended well.
    pub(super) fn succeeded(&self, is_probe: bool) {
        // Nearly always there is nothing to change.
        if self.failures.load(Relaxed) != 0 {
            self.failures.store(0, Relaxed);
        }
        if is_probe {
            self.release();
        }
    }

    /// A call failed. Says whether that should send the endpoint away.
    pub(super) fn failed(&self) -> bool {
        let failures = self.failures.fetch_add(1, Relaxed).saturating_add(1);
        failures >= FAILURES && !self.is_ejected()
    }

    /// Nothing is to be learnt from the probe: it was given up.
    pub(super) fn undecided(&self) {
        self.ejection().is_probed = false;
    }

    /// Sends the endpoint away, for longer if it has hardly been back.
    pub(super) fn eject(&self, at: Duration) {
        let mut ejection = self.ejection();
        let has_recovered = at > ejection.until + ejection.length * 2;
        ejection.length =
            if has_recovered { SHORTEST } else { (ejection.length * 2).clamp(SHORTEST, LONGEST) };
        ejection.until = at + ejection.length;
        ejection.is_probed = false;
        self.is_ejected.store(true, Relaxed);
    }

    /// Takes the endpoint back.
    pub(super) fn release(&self) {
        self.ejection().is_probed = false;
        self.failures.store(0, Relaxed);
        self.is_ejected.store(false, Relaxed);
    }

    fn ejection(&self) -> MutexGuard<'_, Ejection> {
        self.ejection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn failures_in_a_row_eject_and_a_probe_brings_back() {
        let health = Health::default();
        for _ in 0..100 {
            assert!((1..FAILURES).all(|_| !health.failed()));
            health.succeeded(false);
        }
        assert!((1..FAILURES).all(|_| !health.failed()) && health.failed());
        health.eject(seconds(100));
        assert_eq!(health.standing(seconds(100)), Standing::Ejected);
        assert_eq!(health.standing(seconds(101)), Standing::Probe);
        assert_eq!(health.standing(seconds(101)), Standing::Ejected, "one probe at a time");
        health.undecided();
        assert_eq!(health.standing(seconds(102)), Standing::Probe);
        health.succeeded(true);
        assert_eq!(health.standing(seconds(102)), Standing::Good);
        assert!(!health.failed(), "it counts from the beginning");
    }

    #[test]
    fn who_fails_again_stays_away_for_longer() {
        let health = Health::default();
        let mut at = seconds(100);
        let mut lengths = Vec::new();
        for _ in 0..8 {
            health.eject(at);
            let start = at;
            while health.standing(at) != Standing::Probe {
                at += seconds(1);
            }
            lengths.push((at - start).as_secs());
        }
        assert_eq!(lengths, [1, 2, 4, 8, 16, 32, 60, 60]);
        health.succeeded(true);
        health.eject(at + seconds(200));
        assert_eq!(health.standing(at + seconds(201)), Standing::Probe, "it was well for long");
    }
}
