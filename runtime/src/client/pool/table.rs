//! Choices at random, by weight, each in the same time however many there are to choose from (Vose's alias method).

/// What to choose from.
#[derive(Debug)]
pub(super) struct Table(Box<[Column]>);

/// One of the choices, up to a level, and another one above it.
#[derive(Clone, Copy, Debug)]
struct Column {
    level: f64,
    other: usize,
}

impl Table {
    pub(super) fn new(weights: &[f64]) -> Self {
        let scale = weights.len() as f64 / weights.iter().sum::<f64>();
        let column = |(index, weight): (usize, &f64)| Column { level: weight * scale, other: index };
        let mut columns: Box<[Column]> = weights.iter().enumerate().map(column).collect();
        let (mut low, mut high): (Vec<usize>, Vec<usize>) = (0..columns.len())
            .partition(|index| columns.get(*index).is_some_and(|column| column.level < 1.0));
        // What a low column lacks, a high one gives.
        while let (Some(receiver), Some(&giver)) = (low.pop(), high.last()) {
            let mut given = 0.0;
            if let Some(column) = columns.get_mut(receiver) {
                column.other = giver;
                given = 1.0 - column.level;
            }
            if let Some(column) = columns.get_mut(giver) {
                column.level -= given;
                if column.level < 1.0 {
                    low.extend(high.pop());
                }
            }
        }
        Self(columns)
    }

    /// The choice that a number of 64 random bits makes; `None` when there is nothing to choose.
    pub(super) fn choose(&self, random: u64) -> Option<usize> {
        let (place, level) = (random >> 32, random & u64::from(u32::MAX));
        // Below the length: `place` is a part of 2^32.
        let index = usize::try_from((u128::from(place) * self.0.len() as u128) >> 32).ok()?;
        let column = self.0.get(index)?;
        let is_below = (level as f64) < column.level * f64::from(u32::MAX);
        Some(if is_below { index } else { column.other })
    }
}

#[cfg(test)]
mod tests {
    use super::Table;
    use crate::chance;

    #[test]
    fn choices_are_by_weight() {
        assert_eq!(Table::new(&[]).choose(chance::draw()), None);
        for weights in [
            &[7.0][..],
            &[1.0, 1.0],
            &[0.5, 1.5],
            &[1.0, 1000.0, 1.0],
            &[3.0, 5.0, 7.0, 11.0, 13.0],
            &[100.0; 50],
        ] {
            let table = Table::new(weights);
            let mut counts = vec![0_u32; weights.len()];
            const DRAWS: u32 = 200_000;
            for _ in 0..DRAWS {
                counts[table.choose(chance::draw()).unwrap()] += 1;
            }
            let total: f64 = weights.iter().sum();
            for (count, weight) in counts.iter().zip(weights) {
                let expected = f64::from(DRAWS) * weight / total;
                let bound = 5.0 * expected.sqrt() + 1.0;
                assert!((f64::from(*count) - expected).abs() < bound, "{weights:?}: {counts:?}");
            }
        }
    }
}
