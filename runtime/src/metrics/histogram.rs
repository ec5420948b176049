//! How long things took, in buckets.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// The upper bounds, in seconds: Prometheus' default buckets.
pub(super) const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The same in nanoseconds, to compare with without a division.
const NANOS: [u64; 11] = [
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// Counts times by bucket.
#[derive(Default)]
pub(super) struct Histogram {
    /// Those above all bounds are the last one.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
}

impl Histogram {
    pub(super) fn observe(&self, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let bucket = NANOS.iter().take_while(|bound| nanoseconds > **bound).count();
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Relaxed);
        }
        self.nanoseconds.fetch_add(nanoseconds, Relaxed);
    }

    /// How many were at most as long as each bound, and how many in all.
    pub(super) fn cumulative(&self) -> ([u64; BOUNDS.len()], u64) {
        let mut sum = 0;
        let mut below = [0; BOUNDS.len()];
        for (below, bucket) in below.iter_mut().zip(&self.buckets) {
            sum += bucket.load(Relaxed);
            *below = sum;
        }
        let beyond = self.buckets.last().map_or(0, |bucket| bucket.load(Relaxed));
        (below, sum + beyond)
    }

    /// All times together, in seconds.
    pub(super) fn seconds(&self) -> f64 {
        Duration::from_nanos(self.nanoseconds.load(Relaxed)).as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_counts_in_its_bucket_and_in_all_above() {
        let histogram = Histogram::default();
        [1, 5, 6, 20_000].into_iter().for_each(|ms| histogram.observe(Duration::from_millis(ms)));
        let (below, all) = histogram.cumulative();
        assert_eq!((below[0], below[1], below[10], all), (2, 3, 3, 4));
        assert!((histogram.seconds() - 20.012).abs() < 1e-9);
        for (bound, nanoseconds) in BOUNDS.iter().zip(NANOS) {
            assert_eq!(Duration::from_secs_f64(*bound), Duration::from_nanos(nanoseconds));
        }
    }
}
