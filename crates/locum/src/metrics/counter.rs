//! How counters are written.

use std::fmt;

use prometheus_client::encoding::{EncodeLabelSet, MetricEncoder, NoLabelSet};

/// Writes one series of a family of counters. `_total` is added to the name.
pub(super) fn encode_counter<S: EncodeLabelSet>(
    family: &mut MetricEncoder<'_>,
    labels: &S,
    count: u64,
) -> fmt::Result {
    family.encode_family(labels)?.encode_counter::<NoLabelSet, u64, f64>(&count, None)
}
