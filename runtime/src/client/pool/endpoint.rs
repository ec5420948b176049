//! One server that calls may go to, and what is known of it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use super::dialer::Dialer;
use super::ejection::Health;
use super::latency::Latency;
use super::settings::Settings;
use crate::client::address::Address;

/// Shorter times say more about a machine than about the server on it, and count alike.
const GRAIN: Duration = Duration::from_millis(10);

pub(super) struct Endpoint {
    /// What tells it apart in this process; not 0.
    pub(super) number: u32,
    /// Where it is, as it was told.
    pub(super) name: String,
    pub(super) dialer: Arc<Dialer>,
    pub(super) in_flight: AtomicUsize,
    pub(super) latency: Latency,
    pub(super) health: Health,
}

impl Endpoint {
    pub(super) fn new(name: &str, address: Address, settings: &Settings) -> Arc<Self> {
        Arc::new(Self {
            number: numbered(),
            name: name.to_owned(),
            dialer: Dialer::new(address, settings.clone()),
            in_flight: AtomicUsize::new(0),
            latency: Latency::default(),
            health: Health::default(),
        })
    }

    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.load(Relaxed) == 0
    }

    /// What a further call would have to expect here, beside endpoints of the same weight: the time of a call, for each
    /// call that is there, and itself. `share` is the mean weight by its own.
    pub(super) fn cost(&self, share: f64, at: Duration) -> f64 {
        self.fullness(share) * (GRAIN + self.latency.get(at)).as_secs_f64()
    }

    /// The calls that there would be with a further one, beside endpoints of the same weight.
    pub(super) fn fullness(&self, share: f64) -> f64 {
        1.0 + self.in_flight.load(Relaxed) as f64 * share
    }
}

/// Another number each time, for a process that makes fewer than four billion endpoints.
fn numbered() -> u32 {
    static MADE: AtomicU32 = AtomicU32::new(0);
    MADE.fetch_add(1, Relaxed).wrapping_add(1).max(1)
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.dialer.address())
    }
}
