//! A choice by key that hardly changes when the list does (consistent hashing).
//!
//! In: what to choose from, with shares. Out: for a key, what stands next on a ring, and what after that. Each has
//! points on the ring, 160 of them at a mean share, as in Ketama, Dubbo and Kratos; where they are does not depend on the
//! others, and how many there are only by the mean. Finding a place takes a binary search.

use crate::call::hash_of;
use crate::chance::scatter;

/// Points of one at a mean share.
const POINTS: f64 = 160.0;
/// Points of all together, at most: of longer lists each has fewer.
const MOST: f64 = 131_072.0;

/// Points, sorted, and whose they are.
#[derive(Debug)]
pub(super) struct Ring(Box<[(u64, u32)]>);

impl Ring {
    /// A ring of items, each with what tells it apart and its share.
    pub(super) fn new<'a>(items: impl ExactSizeIterator<Item = (&'a str, f64)> + Clone) -> Self {
        let count = items.len() as f64;
        let total: f64 = items.clone().map(|(_, share)| share).sum();
        let all = (POINTS * count).min(MOST);
        let mut points = Vec::new();
        for ((id, share), index) in items.zip(0_u32..) {
            let start = hash_of(id.as_bytes());
            // Within the limits above; not a number only if there are no shares at all.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it ends at the borders"
            )]
            let own = ((all * share / total).round() as u64).max(1);
            points.extend((0..own).map(|point| (scatter(start.wrapping_add(point)), index)));
        }
        points.sort_unstable();
        Self(points.into())
    }

    /// Whose points follow after a key, the nearest first; the same one may come again.
    pub(super) fn after(&self, key: u64) -> impl Iterator<Item = usize> + '_ {
        let start = self.0.partition_point(|(point, _)| *point < key);
        let (before, after) = self.0.split_at(start);
        after.iter().chain(before).map(|(_, index)| *index as usize)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ring(items: &[(String, f64)]) -> Ring {
        Ring::new(items.iter().map(|(id, share)| (id.as_str(), *share)))
    }

    fn items(count: usize) -> Vec<(String, f64)> {
        (0..count).map(|index| (format!("10.1.0.{index}:9000"), 100.0)).collect()
    }

    fn owner<'a>(ring: &Ring, items: &'a [(String, f64)], key: u32) -> &'a str {
        &items[ring.after(hash_of(&key.to_le_bytes())).next().unwrap()].0
    }

    /// The part of all keys that has another owner.
    fn moved(before: &[(String, f64)], after: &[(String, f64)]) -> f64 {
        const KEYS: u32 = 10_000;
        let (was, is) = (ring(before), ring(after));
        let moved = (0..KEYS).filter(|key| owner(&was, before, *key) != owner(&is, after, *key)).count();
        moved as f64 / f64::from(KEYS)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn who_comes_or_goes_moves_its_own_keys_alone(count in 2_usize..40, place in any::<prop::sample::Index>()) {
            let all = items(count);
            let mut fewer = all.clone();
            let (gone, _) = fewer.remove(place.index(count));
            let share = 1.0 / count as f64;
            for moved in [moved(&all, &fewer), moved(&fewer, &all)] {
                prop_assert!(moved < 1.6 * share + 0.01, "{moved} of {share}");
            }
            let (was, is) = (ring(&all), ring(&fewer));
            for key in 0..1000 {
                let owned = owner(&was, &all, key);
                prop_assert!(owned == gone || owned == owner(&is, &fewer, key), "a key moved that had no reason to");
            }
        }
    }

    #[test]
    fn keys_are_shared_by_weight() {
        let mut items = items(20);
        items[3].1 = 300.0;
        items[4].1 = 50.0;
        let ring = ring(&items);
        let owned = |id: &str| (0..40_000).filter(|key| owner(&ring, &items, *key) == id).count() as f64;
        let fair = 40_000.0 / 21.5;
        for (id, share) in &items {
            let expected = fair * share / 100.0;
            assert!((owned(id) - expected).abs() < 0.35 * expected, "{id}: {} of {expected}", owned(id));
        }
    }

    #[test]
    fn a_weight_that_changes_moves_little() {
        let before = items(20);
        let mut after = before.clone();
        after[3].1 = 200.0;
        let moved = moved(&before, &after);
        assert!(moved > 0.02 && moved < 0.12, "{moved}");
    }

    #[test]
    fn long_lists_have_short_rings() {
        let ring = ring(&items(10_000));
        assert!((100_000..=140_000).contains(&ring.0.len()), "{}", ring.0.len());
        assert_eq!(Ring::new([].into_iter()).after(7).next(), None);
    }
}
