//! Numbers that nobody foresees, for choices that may be wrong now and then.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Another number each time, evenly spread over all of them. Two processes draw different ones.
pub(super) fn draw() -> u64 {
    static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    scatter(SEED.wrapping_add(DRAWN.fetch_add(1, Relaxed)))
}

/// A number below `end`; `None` below zero.
pub(super) fn below(end: usize) -> Option<usize> {
    let place = draw().checked_rem(u64::try_from(end).ok()?)?;
    usize::try_from(place).ok()
}

/// A time that is at most a fifth shorter or longer, so that what failed together does not come back together.
pub(super) fn jittered(time: Duration) -> Duration {
    time.mul_f64(0.8 + 0.4 * (draw() as f64 / u64::MAX as f64))
}

/// Spreads counters over all numbers (splitmix64).
fn scatter(counter: u64) -> u64 {
    let mut mixed = counter.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
