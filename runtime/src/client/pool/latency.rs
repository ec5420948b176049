//! How long an endpoint takes to answer, lately.
//!
//! In: the times that calls took. Out: one figure that rises fast and falls slowly (a peak-sensitive moving average), and is
//! forgotten when nobody asks: an endpoint that was slow is tried again.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// After so long an observation counts for little more than a third.
const MEMORY: Duration = Duration::from_secs(1);

/// A moving average. Times are those since some moment that all users share.
///
/// The two numbers are not changed together: two calls that end at the same time may lose one observation.
#[derive(Debug, Default)]
pub(super) struct Latency {
    nanos: AtomicU64,
    /// When it was last observed.
    at: AtomicU64,
}

impl Latency {
    /// Adds that a call took so long, at the time `at`.
    ///
    /// A longer time counts half, in orders of magnitude: one hiccup is not yet a slow endpoint, three of them are.
    pub(super) fn observe(&self, took: Duration, at: Duration) {
        let (last, took) = (self.nanos.load(Relaxed), nanos(took).max(1));
        let now = if last == 0 {
            took
        } else if took > last {
            (took as f64 * last as f64).sqrt() as u64
        } else {
            let kept = self.kept(at);
            (last as f64 * kept + took as f64 * (1.0 - kept)) as u64
        };
        self.nanos.store(now, Relaxed);
        self.at.store(nanos(at), Relaxed);
    }

    /// The average at the time `at`; zero when nothing is known.
    pub(super) fn get(&self, at: Duration) -> Duration {
        let last = self.nanos.load(Relaxed);
        if last == 0 { Duration::ZERO } else { Duration::from_nanos((last as f64 * self.kept(at)) as u64) }
    }

    /// How much of the past counts at the time `at`.
    fn kept(&self, at: Duration) -> f64 {
        let since = nanos(at).saturating_sub(self.at.load(Relaxed));
        (-(since as f64) / nanos(MEMORY) as f64).exp()
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn it_rises_fast_and_falls_slowly_and_is_forgotten() {
        let latency = Latency::default();
        assert_eq!(latency.get(ms(7)), ms(0));
        latency.observe(ms(1), ms(10));
        latency.observe(ms(100), ms(11));
        let once = latency.get(ms(11));
        assert!((ms(9)..=ms(10)).contains(&once), "one hiccup counts half: {once:?}");
        for at in 12..15 {
            latency.observe(ms(100), ms(at));
        }
        let slow = latency.get(ms(15));
        assert!(slow > ms(70), "three of them are the truth: {slow:?}");
        latency.observe(ms(1), ms(16));
        assert!(latency.get(ms(16)) > slow * 9 / 10, "one quick answer is not");
        assert!(latency.get(ms(6_000)) < ms(1));
    }
}
