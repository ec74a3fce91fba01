//! Histograms of durations. Observing one is two additions: no lock, no allocation.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use prometheus_client::encoding::{EncodeLabelSet, MetricEncoder, NoLabelSet};

use crate::metrics::sharded::{Adding, Sharded};

const BUCKETS: usize = 20;

/// The upper bounds of the buckets in nanoseconds, from 1 µs to 10 s. A bound belongs to its bucket.
const BOUNDS_NANOS: [u64; BUCKETS] = [
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    500_000_000,
    1_000_000_000,
    5_000_000_000,
    10_000_000_000,
];

const NANOS_PER_SECOND: f64 = 1e9;

/// A histogram of durations that many threads observe.
#[derive(Debug, Default)]
pub(super) struct DurationHistogram(Sharded<DurationCounts>);

/// A histogram of durations.
#[derive(Debug, Default)]
pub(super) struct DurationCounts {
    sum_nanos: AtomicU64,
    buckets: [AtomicU64; BUCKETS],
    beyond: AtomicU64,
}

impl DurationHistogram {
    pub(super) fn observe(&self, nanos: u64) {
        let mine = self.0.mine();
        mine.value.observe(nanos, mine.adding());
    }

    /// Writes it as one series of a family.
    pub(super) fn encode<S: EncodeLabelSet>(
        &self,
        family: &mut MetricEncoder<'_>,
        labels: &S,
    ) -> fmt::Result {
        encode(self.0.all(), family, labels)
    }
}

impl DurationCounts {
    pub(super) fn observe(&self, nanos: u64, adding: Adding) {
        let bucket = BOUNDS_NANOS.iter().position(|bound| nanos <= *bound);
        let count = bucket.and_then(|bucket| self.buckets.get(bucket)).unwrap_or(&self.beyond);
        adding.add(count, 1);
        adding.add(&self.sum_nanos, nanos);
    }

    /// Writes it as one series of a family.
    pub(super) fn encode<S: EncodeLabelSet>(
        &self,
        family: &mut MetricEncoder<'_>,
        labels: &S,
    ) -> fmt::Result {
        encode(std::iter::once(self), family, labels)
    }
}

/// Writes the sum of these as one series.
fn encode<'a, S: EncodeLabelSet>(
    shards: impl Iterator<Item = &'a DurationCounts>,
    family: &mut MetricEncoder<'_>,
    labels: &S,
) -> fmt::Result {
    let bounds = BOUNDS_NANOS.iter().map(|bound| seconds(*bound)).chain([f64::INFINITY]);
    let mut buckets: Vec<(f64, u64)> = bounds.map(|bound| (bound, 0)).collect();
    let mut sum_nanos = 0;
    for shard in shards {
        for ((_, count), shard) in buckets.iter_mut().zip(shard.buckets.iter().chain([&shard.beyond])) {
            *count += shard.load(Relaxed);
        }
        sum_nanos += shard.sum_nanos.load(Relaxed);
    }
    let count = buckets.iter().map(|(_, count)| count).sum();
    family.encode_family(labels)?.encode_histogram::<NoLabelSet>(seconds(sum_nanos), count, &buckets, None)
}

#[expect(clippy::cast_precision_loss, reason = "a sum of 104 days is still exact to a nanosecond")]
fn seconds(nanos: u64) -> f64 {
    nanos as f64 / NANOS_PER_SECOND
}

#[cfg(test)]
mod tests {
    use prometheus_client::collector::Collector;
    use prometheus_client::encoding::DescriptorEncoder;
    use prometheus_client::encoding::text::encode as encode_text;
    use prometheus_client::metrics::MetricType;
    use prometheus_client::registry::Registry;

    use super::*;

    #[derive(Debug, Default)]
    struct OneSeries(DurationHistogram);

    impl Collector for OneSeries {
        fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
            let mut family = encoder.encode_descriptor("took", "Help.", None, MetricType::Histogram)?;
            self.0.encode(&mut family, &[("a", "b")])
        }
    }

    fn text(nanos: &[u64]) -> String {
        let series = OneSeries::default();
        nanos.iter().for_each(|nanos| series.0.observe(*nanos));
        let mut registry = Registry::default();
        registry.register_collector(Box::new(series));
        let mut text = String::new();
        encode_text(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn a_duration_is_counted_in_every_bucket_from_its_own_on() {
        let text = text(&[1_000, 1_001, 60_000_000_000]);
        for line in [
            "took_sum{a=\"b\"} 60.000002001\n",
            "took_count{a=\"b\"} 3\n",
            "took_bucket{le=\"0.000001\",a=\"b\"} 1\n",
            "took_bucket{le=\"0.0000025\",a=\"b\"} 2\n",
            "took_bucket{le=\"10.0\",a=\"b\"} 2\n",
            "took_bucket{le=\"+Inf\",a=\"b\"} 3\n",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn bounds_increase() {
        assert!(BOUNDS_NANOS.is_sorted());
    }
}
