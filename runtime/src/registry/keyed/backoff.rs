//! Pauses between attempts that fail.

use std::time::Duration;

use crate::chance::jittered;

/// Pauses that double, up to a bound, each a little shorter or longer, so that those who failed together do not come
/// back together.
#[derive(Debug)]
pub(in crate::registry) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    pub(in crate::registry) fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// The pause after an attempt that went well for `lasted`: what lasted long begins anew.
    pub(in crate::registry) fn after(&mut self, lasted: Duration) -> Duration {
        if lasted > self.longest {
            self.next = self.first;
        }
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        jittered(pause)
    }
}

impl Default for Backoff {
    /// Pauses between attempts at a store that is away.
    fn default() -> Self {
        Self::new(Duration::from_millis(100), Duration::from_secs(5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_begin_anew() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        for expected in [100, 200, 400, 800, 1000, 1000] {
            let pause = backoff.after(Duration::ZERO).as_millis();
            assert!((expected * 8 / 10..=expected * 12 / 10).contains(&pause), "{pause} for {expected}");
        }
        assert!(backoff.after(Duration::from_secs(2)) < Duration::from_millis(130));
        let pauses: Vec<_> = (0..10).map(|_| jittered(Duration::from_secs(1))).collect();
        assert!(pauses.iter().any(|pause| *pause != pauses[0]), "{pauses:?}");
    }
}
