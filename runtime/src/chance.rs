//! Numbers that nobody foresees: for choices that may be wrong now and then, for ids that need no secrecy.

use std::cell::Cell;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

/// Another number each time, evenly spread over all of them, fast (splitmix64 from a seed of the thread).
pub(crate) fn draw() -> u64 {
    thread_local! {
        static STATE: Cell<u64> = Cell::new(RandomState::new().build_hasher().finish());
    }
    let state = STATE.get().wrapping_add(STEP);
    STATE.set(state);
    mix(state)
}

/// A number that a number always stands for: those of numbers close together are evenly spread (splitmix64).
pub(crate) fn scatter(number: u64) -> u64 {
    mix(number.wrapping_mul(STEP))
}

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(number: u64) -> u64 {
    let mut mixed = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// A number below `end`; `None` below zero.
pub(crate) fn below(end: usize) -> Option<usize> {
    let place = draw().checked_rem(u64::try_from(end).ok()?)?;
    usize::try_from(place).ok()
}

/// Whether what happens to a share of all (0 to 1) happens this time.
pub(crate) fn hits(share: f64) -> bool {
    // 53 bits are what a float holds exactly.
    share > 0.0 && (draw() >> 11) as f64 / ((1_u64 << 53) as f64) < share
}

/// A time of at most `most`.
pub(crate) fn up_to(most: Duration) -> Duration {
    let nanoseconds = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(draw() % nanoseconds.saturating_add(1).max(1))
}

/// A time that is at most a fifth shorter or longer, so that what failed together does not come back together.
pub(crate) fn jittered(time: Duration) -> Duration {
    time.mul_f64(0.8 + 0.4 * (draw() as f64 / u64::MAX as f64))
}
