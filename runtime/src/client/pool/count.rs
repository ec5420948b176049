//! What was counted lately, so that a call need not count.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// How long it stays true.
const LASTS: Duration = Duration::from_millis(100);

/// An answer, and when it was found: milliseconds, moved by one place for the answer, and by one more time for 0 to be none.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    /// The answer at the time `at`; it is looked for anew ten times a second at most.
    pub(super) fn of(&self, at: Duration, find: impl FnOnce() -> bool) -> bool {
        let at = u64::try_from(at.as_millis()).unwrap_or(u64::MAX >> 2) + 1;
        let known = self.0.load(Relaxed);
        if known != 0 && at.saturating_sub(known >> 1) < LASTS.as_millis() as u64 {
            return known & 1 == 1;
        }
        let is_so = find();
        self.0.store((at << 1) | u64::from(is_so), Relaxed);
        is_so
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_looked_for_now_and_then() {
        let count = Count::default();
        let at = Duration::from_millis;
        assert!(count.of(at(0), || true));
        assert!(count.of(at(99), || unreachable!()));
        assert!(!count.of(at(100), || false));
        assert!(!count.of(at(150), || unreachable!()));
        assert!(count.of(at(7_000), || true));
    }
}
