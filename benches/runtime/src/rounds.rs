//! Rounds: all contenders in turns, and tonic twice, so that every round says how much it can be believed.

use std::time::Duration;

use crate::load::{Seen, What};

/// How far tonic may differ from itself in a round that counts.
const PAIR: std::ops::RangeInclusive<f64> = 0.95..=1.05;

/// How calls are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub name: &'static str,
    pub what: What,
    pub connections: usize,
    pub calls: usize,
}

/// The shapes that have bounds.
pub(crate) const BUSY: Shape =
    Shape { name: "unary, 4 connections x 25", what: What::Unary, connections: 4, calls: 25 };
pub(crate) const ALONE: Shape = Shape { name: "unary, 1 x 1", what: What::Unary, connections: 1, calls: 1 };
pub(crate) const STREAM: Shape =
    Shape { name: "streams of 1,000 messages, 4 x 1", what: What::Stream, connections: 4, calls: 1 };

/// How long to measure, and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// So many rounds are wanted that count.
    wanted: usize,
    /// More rounds than this are not tried.
    most: usize,
    pub warm: Duration,
    pub time: Duration,
}

impl Plan {
    pub(crate) fn new(quick: bool) -> Self {
        let ms = Duration::from_millis;
        match quick {
            true => Self { wanted: 1, most: 2, warm: ms(200), time: ms(500) },
            false => Self { wanted: 5, most: 15, warm: ms(500), time: ms(2000) },
        }
    }
}

/// Who takes part in a round: who calls whom is known to the function that measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Tonic, before the others.
    First,
    Contender(usize),
    /// Tonic again, after the others.
    Second,
}

/// What was seen in one round.
#[derive(Debug, Default)]
struct Round {
    first: Seen,
    contenders: Vec<Seen>,
    second: Seen,
}

/// What rounds of one shape gave.
#[derive(Debug)]
pub(crate) struct Rounds {
    rounds: Vec<Round>,
    /// How many there were, with those that do not count.
    tried: usize,
    cost: fn(&Seen) -> f64,
}

impl Rounds {
    /// Has `contenders` measured in turns, every other round in the opposite order. `cost` is the CPU time that counts.
    ///
    /// A round in which tonic differs too much from itself is repeated, at most as often as the plan says; when too few are
    /// left, all of them are given as they are.
    pub(crate) fn run(
        plan: Plan,
        contenders: usize,
        cost: fn(&Seen) -> f64,
        mut measure: impl FnMut(Turn) -> anyhow::Result<Seen>,
    ) -> anyhow::Result<Self> {
        let (mut rounds, mut others) = (Vec::new(), Vec::new());
        let mut tried = 0;
        while rounds.len() < plan.wanted && tried < plan.most {
            let mut round = Round { contenders: vec![Seen::default(); contenders], ..Round::default() };
            let mut turns = vec![Turn::First];
            turns.extend((0..contenders).map(Turn::Contender));
            turns.push(Turn::Second);
            if tried % 2 == 1 {
                turns.reverse();
            }
            for turn in turns {
                let seen = measure(turn)?;
                match turn {
                    Turn::First => round.first = seen,
                    Turn::Second => round.second = seen,
                    Turn::Contender(number) => round.contenders[number] = seen,
                }
            }
            tried += 1;
            let pair = rate(&round.second, cost) / rate(&round.first, cost);
            if PAIR.contains(&pair) { rounds.push(round) } else { others.push(round) }
        }
        if rounds.len() < plan.wanted {
            rounds.append(&mut others);
        }
        Ok(Self { rounds, tried, cost })
    }

    /// Of one contender and of tonic: calls per CPU-second.
    pub(crate) fn rates(&self, contender: usize) -> (f64, f64) {
        self.sides(contender, |seen| rate(seen, self.cost))
    }

    /// Of one contender and of tonic, whatever `figure` takes.
    ///
    /// The ratio is the median of the ratios of rounds; the second side is the median of tonic's, and the first is what the
    /// ratio makes of it.
    pub(crate) fn sides(&self, contender: usize, figure: impl Fn(&Seen) -> f64) -> (f64, f64) {
        let base = |round: &Round| (figure(&round.first) + figure(&round.second)) / 2.0;
        let ratio = |round: &Round| round.contenders.get(contender).map_or(f64::NAN, &figure) / base(round);
        let theirs = median(self.rounds.iter().map(base).collect());
        (median(self.rounds.iter().map(ratio).collect()) * theirs, theirs)
    }

    /// Tonic the second time and the first.
    pub(crate) fn pair(&self) -> (f64, f64) {
        let of = |side: fn(&Round) -> &Seen| {
            median(self.rounds.iter().map(|round| rate(side(round), self.cost)).collect())
        };
        (of(|round| &round.second), of(|round| &round.first))
    }

    /// `5 of 7 rounds count`
    pub(crate) fn counted(&self) -> String {
        let counted = self
            .rounds
            .iter()
            .filter(|round| PAIR.contains(&(rate(&round.second, self.cost) / rate(&round.first, self.cost))));
        format!("{} of {} rounds count", counted.count(), self.tried)
    }
}

fn rate(seen: &Seen, cost: fn(&Seen) -> f64) -> f64 {
    seen.calls as f64 / cost(seen)
}

/// The middle one, or the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    (values.get(low).copied().unwrap_or(f64::NAN) + values.get(high).copied().unwrap_or(f64::NAN)) / 2.0
}
