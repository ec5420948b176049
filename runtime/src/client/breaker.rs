//! Spares a service that fails.
//!
//! In: how calls of one method to one app ended. Out: whether the next one may go. It is the adaptive throttle of Google's
//! SRE book (chapter "Handling Overload"): a call is refused here with the probability
//! `max(0, (requests - K * accepts) / (requests + 1))` over the last ten seconds. Only calls that ended count: those that
//! run say nothing yet, and counting what was refused here would keep a service waiting long after it is well. One call a
//! second goes through whatever the numbers say.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tonic::{Code, Status};

use crate::call::now;
use crate::chance;

/// How many requests are let through for each one that was accepted: half of all may fail before any is refused.
const K: f64 = 2.0;
/// Fewer requests than that say nothing.
const MIN_REQUESTS: u32 = 20;
/// The window is so many slots of so long.
const SLOTS: usize = 10;
const SLOT: Duration = Duration::from_secs(1);
/// How often a call goes through whatever the numbers say.
const PROBE: Duration = Duration::from_secs(1);

/// The recent past of one method.
#[derive(Default)]
pub(super) struct Breaker(Mutex<Window>);

#[derive(Default)]
struct Window {
    slots: [Slot; SLOTS],
    /// When the first slot began; `None` before the first call.
    began: Option<Instant>,
    /// The slot of now, counted from the beginning.
    current: u64,
    probed: Option<Instant>,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    requests: u32,
    accepts: u32,
}

impl Breaker {
    /// Whether the next request may go.
    pub(super) fn admit(&self) -> Result<(), Status> {
        let mut window = self.lock();
        let now = now();
        window.advance(now);
        let Slot { requests, accepts } = window.sum();
        let excess = f64::from(requests) - K * f64::from(accepts);
        if requests < MIN_REQUESTS || !chance::hits(excess / (f64::from(requests) + 1.0)) {
            return Ok(());
        }
        if window.probed.is_none_or(|probed| now.saturating_duration_since(probed) >= PROBE) {
            window.probed = Some(now);
            return Ok(());
        }
        Err(Status::unavailable("the breaker is open: most of the recent calls of this method failed"))
    }

    /// Counts how a request ended that went.
    pub(super) fn ended(&self, code: Code) {
        let mut window = self.lock();
        window.advance(now());
        window.add(|slot| {
            slot.requests += 1;
            slot.accepts += u32::from(is_accepted(code));
        });
    }

    /// Whether calls are being refused at the moment.
    #[cfg(test)]
    fn is_open(&self) -> bool {
        let Slot { requests, accepts } = self.lock().sum();
        requests >= MIN_REQUESTS && f64::from(requests) > K * f64::from(accepts)
    }

    fn lock(&self) -> MutexGuard<'_, Window> {
        // Numbers that somebody panicked over are still numbers.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    /// Clears the slots that the time has passed by.
    fn advance(&mut self, now: Instant) {
        let began = *self.began.get_or_insert(now);
        let slot = u64::try_from(now.saturating_duration_since(began).as_millis() / SLOT.as_millis());
        let slot = slot.unwrap_or(u64::MAX);
        while self.current < slot {
            // After a long silence every slot was passed by once, and the rest is the same again.
            self.current = (self.current + 1).max(slot.saturating_sub(SLOTS as u64));
            self.add(|passed| *passed = Slot::default());
        }
    }

    fn add(&mut self, count: impl FnOnce(&mut Slot)) {
        let place = self.current as usize % SLOTS;
        if let Some(slot) = self.slots.get_mut(place) {
            count(slot);
        }
    }

    fn sum(&self) -> Slot {
        self.slots.iter().fold(Slot::default(), |sum, slot| Slot {
            requests: sum.requests + slot.requests,
            accepts: sum.accepts + slot.accepts,
        })
    }
}

/// Whether the service did what it is there for; an answer like "no such order" is one.
fn is_accepted(code: Code) -> bool {
    !matches!(
        code,
        Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted | Code::Internal | Code::Unknown
    )
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    /// Sends calls that all end with `code`; returns how many went.
    fn calls(breaker: &Breaker, count: usize, code: Code) -> usize {
        (0..count).filter(|_| breaker.admit().inspect(|()| breaker.ended(code)).is_ok()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_when_most_fail_and_closes_when_they_do_not() {
        let breaker = Breaker::default();
        assert_eq!(calls(&breaker, 100, Code::NotFound), 100);
        assert!(!breaker.is_open());
        let went = calls(&breaker, 10_000, Code::Unavailable);
        assert!(breaker.is_open() && (100..2500).contains(&went), "{went}");
        // While all fail, a few are let through each second: the probe, and those that chance lets pass.
        let mut most = 0;
        for _ in 0..20 {
            advance(Duration::from_secs(1)).await;
            most = most.max(calls(&breaker, 1000, Code::Unavailable));
        }
        assert!((1..200).contains(&most), "{most}");
        // The service is back: all go through before long.
        let mut seconds = 0;
        while calls(&breaker, 1000, Code::Ok) < 1000 {
            seconds += 1;
            assert!(seconds <= 2, "it stays open");
            advance(Duration::from_secs(1)).await;
        }
        assert!(!breaker.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_failures_say_nothing_and_the_past_is_forgotten() {
        let breaker = Breaker::default();
        assert_eq!(calls(&breaker, 20, Code::Internal), 20);
        advance(Duration::from_secs(11)).await;
        assert_eq!(calls(&breaker, 20, Code::Internal), 20);
        advance(Duration::from_secs(1_000_000)).await;
        assert_eq!(calls(&breaker, 20, Code::Internal), 20);
    }
}
