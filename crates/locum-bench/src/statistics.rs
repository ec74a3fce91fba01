//! The middle of some figures, and how far they spread.

use serde::Serialize;

/// Median and quartiles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    /// A quarter of the figures is below.
    pub(crate) low: f64,
    /// A quarter of the figures is above.
    pub(crate) high: f64,
}

impl Spread {
    /// Of some figures; zeros if there are none.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        Self { median: quantile(&sorted, 0.5), low: quantile(&sorted, 0.25), high: quantile(&sorted, 0.75) }
    }
}

/// Between two neighbours, in proportion.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share * sorted.len().saturating_sub(1) as f64;
    let at = |index: usize| sorted.get(index).or(sorted.last()).copied().unwrap_or_default();
    let below = at(position.floor() as usize);
    below + (at(position.ceil() as usize) - below) * position.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_and_quartiles_are_between_neighbours() {
        let spread = Spread::of([4.0, 1.0, 3.0, 2.0]);
        assert_eq!(spread, Spread { median: 2.5, low: 1.75, high: 3.25 });
        assert_eq!(Spread::of([7.0]), Spread { median: 7.0, low: 7.0, high: 7.0 });
    }

    #[test]
    fn one_outlier_moves_no_median() {
        assert_eq!(Spread::of([1.0, 1.0, 1.0, 1.0, 900.0]), Spread { median: 1.0, low: 1.0, high: 1.0 });
        assert_eq!(Spread::of([]).median, 0.0);
    }
}
