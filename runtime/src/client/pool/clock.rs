//! The time that all endpoints of a pool share.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::call::now;

/// The time since a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    began: Instant,
    /// The same moment by the calendar.
    date: Duration,
}

impl Clock {
    pub(super) fn at(self) -> Duration {
        now().saturating_duration_since(self.began)
    }

    /// How long `moment` was ago at the time `at`.
    pub(super) fn since(self, moment: Instant, at: Duration) -> Duration {
        (self.began + at).saturating_duration_since(moment)
    }

    /// The time since 1970.
    pub(super) fn since_epoch(self, at: Duration) -> Duration {
        self.date + at
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self { began: now(), date: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() }
    }
}
