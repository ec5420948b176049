//! Rounds: all contenders in turns, and tonic twice, so that a run says how much it can be believed.

use std::time::Duration;

use crate::load::{Seen, What};

/// How far tonic may differ from itself in a run that counts.
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
    /// A run has so many rounds,
    rounds: usize,
    /// and up to so many if it does not count before.
    most: usize,
    pub warm: Duration,
    pub time: Duration,
}

impl Plan {
    pub(crate) fn new(quick: bool) -> Self {
        let ms = Duration::from_millis;
        match quick {
            true => Self { rounds: 1, most: 2, warm: ms(200), time: ms(500) },
            false => Self { rounds: 11, most: 33, warm: ms(200), time: ms(1000) },
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
    cost: fn(&Seen) -> f64,
}

impl Rounds {
    /// Has `contenders` measured in turns, every other round in the opposite order. `cost` is the CPU time that counts.
    ///
    /// As long as tonic differs too much from itself over all rounds, more of them are added, as many as the plan has.
    pub(crate) fn run(
        plan: Plan,
        contenders: usize,
        cost: fn(&Seen) -> f64,
        mut measure: impl FnMut(Turn) -> anyhow::Result<Seen>,
    ) -> anyhow::Result<Self> {
        let mut run = Self { rounds: Vec::new(), cost };
        while run.rounds.len() < plan.rounds || !run.counts() && run.rounds.len() < plan.most {
            let mut round = Round { contenders: vec![Seen::default(); contenders], ..Round::default() };
            let mut turns = vec![Turn::First];
            turns.extend((0..contenders).map(Turn::Contender));
            turns.push(Turn::Second);
            if run.rounds.len() % 2 == 1 {
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
            run.rounds.push(round);
        }
        Ok(run)
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
        let ratio = |round: &Round| rate(&round.second, self.cost) / rate(&round.first, self.cost);
        let first = median(self.rounds.iter().map(|round| rate(&round.first, self.cost)).collect());
        (median(self.rounds.iter().map(ratio).collect()) * first, first)
    }

    /// Whether tonic was so near to itself that the other figures say something.
    fn counts(&self) -> bool {
        let (second, first) = self.pair();
        PAIR.contains(&(second / first))
    }

    /// `a run of 11 rounds that counts`
    pub(crate) fn told(&self) -> String {
        let verdict = if self.counts() { "counts" } else { "does NOT count" };
        format!("a run of {} rounds that {verdict}", self.rounds.len())
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
