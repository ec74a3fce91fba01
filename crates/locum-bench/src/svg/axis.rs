//! Where a figure is on an axis, and which figures are written at it.

/// How distances on an axis relate to figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// From zero.
    Linear,
    /// Each power of ten has the same length. It shows no figure of zero or below.
    Logarithmic,
}

/// An axis between two points.
pub(super) struct Axis {
    scale: Scale,
    /// The smallest and the largest figure, as the scale measures them.
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// For these figures, from one coordinate to another.
    pub(super) fn new(scale: Scale, figures: impl Iterator<Item = f64>, (from, to): (f64, f64)) -> Self {
        let figures: Vec<f64> = figures.filter(|figure| scale.shows(*figure)).collect();
        let largest = figures.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let smallest = figures.iter().copied().fold(largest, f64::min);
        let (low, high) = match scale {
            Scale::Linear => (0.0, round_up(largest)),
            Scale::Logarithmic => (smallest.log10().floor(), largest.log10().ceil()),
        };
        let high = if high > low { high } else { low + 1.0 };
        Self { scale, low, high, from, to }
    }

    pub(super) fn shows(&self, figure: f64) -> bool {
        self.scale.shows(figure)
    }

    /// Where a figure is.
    pub(super) fn position(&self, figure: f64) -> f64 {
        let measured = match self.scale {
            Scale::Linear => figure,
            Scale::Logarithmic => figure.log10(),
        };
        self.from + (measured - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// Figures that are written at the axis.
    pub(super) fn ticks(&self) -> Vec<f64> {
        match self.scale {
            Scale::Linear => (0..=5).map(|tick| self.high * f64::from(tick) / 5.0).collect(),
            Scale::Logarithmic => {
                (self.low as i32..=self.high as i32).map(|power| 10_f64.powi(power)).collect()
            }
        }
    }
}

impl Scale {
    fn shows(self, figure: f64) -> bool {
        figure.is_finite() && (self == Self::Linear || figure > 0.0)
    }
}

/// To 1, 1.5, 2, 3, 5 or 8 times a power of ten.
fn round_up(figure: f64) -> f64 {
    let power = 10_f64.powf(figure.log10().floor());
    let steps = [1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 10.0];
    steps.into_iter().map(|step| step * power).find(|rounded| *rounded >= figure).unwrap_or(figure)
}

/// With no more digits than say something.
pub(super) fn written(figure: f64) -> String {
    match figure.abs() {
        large if large >= 10_000.0 => format!("{:.0}k", figure / 1000.0),
        middle if middle >= 100.0 || middle.fract() == 0.0 => format!("{figure:.0}"),
        small if small >= 1.0 => format!("{figure:.1}"),
        _ => {
            let text = format!("{figure:.3}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_an_axis_are_at_its_coordinates() {
        let linear = Axis::new(Scale::Linear, [3.0, 100.0].into_iter(), (10.0, 110.0));
        assert_eq!([0.0, 50.0, 100.0].map(|figure| linear.position(figure)), [10.0, 60.0, 110.0]);
        let powers = Axis::new(Scale::Logarithmic, [0.5, 90.0].into_iter(), (0.0, 300.0));
        assert_eq!([0.1, 1.0, 100.0].map(|figure| powers.position(figure).round()), [0.0, 100.0, 300.0]);
        assert_eq!(powers.ticks(), [0.1, 1.0, 10.0, 100.0]);
    }

    #[test]
    fn an_axis_of_one_figure_or_none_has_a_length() {
        let one = Axis::new(Scale::Logarithmic, [10.0].into_iter(), (0.0, 100.0));
        assert!(one.position(10.0).is_finite());
        assert!(Axis::new(Scale::Linear, std::iter::empty(), (0.0, 100.0)).position(0.0).is_finite());
    }

    #[test]
    fn figures_are_written_short() {
        let figures = [25_000.0, 120.4, 8.0, 1.25, 0.05].map(written);
        assert_eq!(figures, ["25k", "120", "8", "1.2", "0.05"]);
    }
}
