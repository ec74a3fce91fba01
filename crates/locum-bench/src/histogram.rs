//! Latencies, counted in buckets that are at most 1/32 wider than their lower bound.

use std::time::Duration;

/// Buckets for each doubling.
const STEPS: u64 = 32;
/// Up to 2^40 ns, about 18 minutes.
const BUCKETS: usize = (40 - 5 + 1) * STEPS as usize;

/// How many latencies were in which bucket.
#[derive(Clone)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max_ns: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0, max_ns: 0 }
    }
}

impl Histogram {
    pub(crate) fn record(&mut self, latency: Duration) {
        let ns = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get_mut(bucket(ns)) {
            *count += 1;
        }
        self.total += 1;
        self.max_ns = self.max_ns.max(ns);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The latency that this share of all, from 0 to 1, does not exceed; zero if there is none.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let rank = ((self.total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Duration::from_nanos(upper_bound(index).min(self.max_ns));
            }
        }
        Duration::ZERO
    }
}

/// Below 32 ns each value has its own bucket; above, each doubling has 32.
fn bucket(ns: u64) -> usize {
    let doubling = u64::from(ns.max(1).ilog2()).saturating_sub(STEPS.ilog2().into());
    let index = doubling * STEPS + (ns >> doubling);
    usize::try_from(index).unwrap_or(usize::MAX).min(BUCKETS - 1)
}

/// The largest value of a bucket.
fn upper_bound(index: usize) -> u64 {
    let index = index as u64;
    let doubling = (index / STEPS).saturating_sub(1);
    ((index - doubling * STEPS + 1) << doubling) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(values: impl IntoIterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::default();
        values.into_iter().for_each(|ns| histogram.record(Duration::from_nanos(ns)));
        histogram
    }

    #[test]
    fn every_value_is_at_most_its_buckets_upper_bound_and_above_the_one_before() {
        for ns in (0..4096).chain([1 << 20, (1 << 20) + 1, (1 << 39) + 12_345]) {
            let index = bucket(ns);
            assert!(ns <= upper_bound(index), "{ns}");
            assert!(index == 0 || ns > upper_bound(index - 1), "{ns}");
        }
    }

    #[test]
    fn quantiles_are_exact_to_a_thirty_second() {
        let histogram = filled((1..=1000).map(|us| us * 1000));
        for (share, expected) in [(0.5, 500_000_u64), (0.99, 990_000), (1.0, 1_000_000)] {
            let ns = histogram.quantile(share).as_nanos() as u64;
            assert!((expected..=expected + expected / 32).contains(&ns), "{share}: {ns}");
        }
    }

    #[test]
    fn no_quantile_exceeds_the_largest_latency() {
        assert_eq!(filled([1_000_003]).quantile(0.99).as_nanos(), 1_000_003);
        assert_eq!(Histogram::default().quantile(0.5), Duration::ZERO);
    }

    #[test]
    fn the_sum_of_two_has_the_quantiles_of_all_values() {
        let mut sum = filled([10; 99]);
        sum.add(&filled([1_000_000]));
        assert_eq!(sum.quantile(0.99).as_nanos(), 10);
        assert_eq!(sum.quantile(1.0).as_nanos(), 1_000_000);
    }
}
