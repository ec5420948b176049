//! Turns, as often as weights say and evenly spread over time (smooth weighted round robin).
//!
//! In: shares. Out: whose turn it is. Each has its next turn at a time that moves on by one over its share whenever it comes,
//! and the earliest is taken, so that a turn costs the logarithm of their number (earliest deadline first, as in Envoy). The
//! first ones are drawn, so that clients which begin together do not begin with the same one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::sync::{Mutex, PoisonError};

use crate::chance;

/// The time between two turns at a mean share.
const PERIOD: f64 = (1_u64 << 20) as f64;

#[derive(Debug)]
pub(super) struct Wheel(Mutex<BinaryHeap<Reverse<Turn>>>);

/// Ordered by its time.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    at: u64,
    index: u32,
    period: u64,
}

impl Wheel {
    pub(super) fn new(shares: &[f64]) -> Self {
        let mean = shares.iter().sum::<f64>() / shares.len().max(1) as f64;
        let turn = |(share, index): (&f64, u32)| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it ends at the borders"
            )]
            let period = ((PERIOD * mean / share) as u64).max(1);
            Reverse(Turn { at: chance::draw() % period, index, period })
        };
        Self(Mutex::new(shares.iter().zip(0..).map(turn).collect()))
    }

    /// Whose turn it is; `None` when there is nobody.
    pub(super) fn next(&self) -> Option<usize> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut first = turns.peek_mut()?;
        let Reverse(turn) = &mut *first;
        let index = turn.index as usize;
        turn.at = turn.at.saturating_add(turn.period);
        // It finds its place again.
        drop::<PeekMut<'_, _>>(first);
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn everybody_has_the_turns_of_its_weight_at_any_time(
            weights in prop::collection::vec(1_u32..500, 1..12),
            turns in 1_usize..600,
        ) {
            let wheel = Wheel::new(&weights.iter().copied().map(f64::from).collect::<Vec<_>>());
            let total: u32 = weights.iter().sum();
            // Where the first turns are drawn, some may come together.
            let most = 1.0 + weights.len() as f64 / 2.0;
            let mut had = vec![0.0_f64; weights.len()];
            for turn in 1..=turns {
                had[wheel.next().unwrap()] += 1.0;
                for (had, weight) in had.iter().zip(&weights) {
                    let due = turn as f64 * f64::from(*weight) / f64::from(total);
                    prop_assert!((had - due).abs() < most, "{weights:?} after {turn}: {had} of {due}");
                }
            }
        }
    }

    #[test]
    fn equal_ones_alternate() {
        assert_eq!(Wheel::new(&[]).next(), None);
        let wheel = Wheel::new(&[7.0; 5]);
        let round: Vec<_> = (0..5).map(|_| wheel.next().unwrap()).collect();
        let mut sorted = round.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3, 4]);
        for _ in 0..1000 {
            assert!(round.iter().all(|index| wheel.next() == Some(*index)));
        }
    }
}
