//! The two text formats.

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

/// What all metrics are now, as OpenMetrics.
pub(super) fn open_metrics(registry: &Registry) -> String {
    let mut text = String::new();
    // Writing to a String does not fail, and our collectors fail only if writing does.
    if encode(&mut text, registry).is_err() {
        tracing::error!("metrics could not be written");
    }
    text
}

/// The same in the older format of Prometheus, where a counter's `_total` is part of its name, and units and the end are
/// not stated.
pub(super) fn prometheus(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut lines = open_metrics.lines().peekable();
    while let Some(line) = lines.next() {
        if line == "# EOF" || line.starts_with("# UNIT ") {
            continue;
        }
        let is_counter = |line: &str| line.starts_with("# TYPE ") && line.ends_with(" counter");
        // The help stands before the type.
        let of_counter = is_counter(line)
            || (line.starts_with("# HELP ") && lines.peek().is_some_and(|next| is_counter(next)));
        let mut words = line.splitn(4, ' ');
        match (of_counter, words.next(), words.next(), words.next(), words.next()) {
            (true, Some(hash), Some(kind), Some(name), Some(rest)) => {
                text.extend([hash, " ", kind, " ", name, "_total ", rest]);
            }
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_descriptions_of_counters_differ() {
        let open_metrics = "# HELP a_requests Requests.\n# TYPE a_requests counter\na_requests_total{x=\"1 # TYPE counter\"} 1\n\
            # HELP b Help counter\n# TYPE b gauge\n# UNIT b seconds\nb 2\n# EOF\n";
        let expected = "# HELP a_requests_total Requests.\n# TYPE a_requests_total counter\n\
            a_requests_total{x=\"1 # TYPE counter\"} 1\n# HELP b Help counter\n# TYPE b gauge\nb 2\n";
        assert_eq!(prometheus(open_metrics), expected);
    }
}
