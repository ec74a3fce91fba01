//! Requests and their steps, counted for the engine.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use locum_engine::ports::{Endpoint, Observer, Outcome, Step};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;

use crate::metrics::clock::MonotonicClock;
use crate::metrics::counter::encode_counter;
use crate::metrics::histogram::DurationHistogram;
use crate::metrics::sharded::Sharded;

/// What requests are counted under that name no api_type, and under that name one that no add-on has.
const NONE: &str = "none";
const OTHER: &str = "other";
const OTHER_NUMBER: usize = 1;

/// Most api_types with counts of their own.
const API_TYPES_MAX: usize = 256;

/// The name of the app target in old SDKs, which clients may request.
const APP_SYNONYM: (&str, &str) = ("auth0", "app");

/// Counts requests by endpoint, api_type and outcome, and times their steps.
pub(crate) struct RequestMetrics {
    clock: Arc<MonotonicClock>,
    steps: [DurationHistogram; Step::ALL.len()],
    /// Filled from its beginning, never emptied.
    api_types: Box<[OnceLock<ApiType>]>,
    adding: Mutex<()>,
}

struct ApiType {
    name: String,
    requests: Sharded<Counts>,
}

/// By endpoint and outcome.
struct Counts([[AtomicU64; Outcome::COUNT]; Endpoint::ALL.len()]);

impl Default for Counts {
    fn default() -> Self {
        Self(std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0))))
    }
}

impl RequestMetrics {
    pub(super) fn new(clock: Arc<MonotonicClock>) -> Self {
        let metrics = Self {
            clock,
            steps: std::array::from_fn(|_| DurationHistogram::default()),
            api_types: (0..API_TYPES_MAX).map(|_| OnceLock::new()).collect(),
            adding: Mutex::default(),
        };
        metrics.add(NONE);
        metrics.add(OTHER);
        metrics
    }

    /// Counts requests for this api_type apart from now on. Only what an operator has configured may be added.
    pub(super) fn add(&self, name: &str) {
        let _one_at_a_time = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        if self.known().any(|known| known.name == name) {
            return;
        }
        if let Some(free) = self.api_types.iter().find(|place| place.get().is_none()) {
            let _ = free.set(ApiType { name: name.to_owned(), requests: Sharded::default() });
        }
    }

    fn known(&self) -> impl Iterator<Item = &ApiType> {
        self.api_types.iter().map_while(OnceLock::get)
    }

    fn count(&self, api_type: &ApiType, endpoint: Endpoint, outcome: Outcome) -> u64 {
        let counts = api_type.requests.all().filter_map(|counts| counts.of(endpoint, outcome));
        counts.map(|count| count.load(Relaxed)).sum()
    }
}

impl Counts {
    fn of(&self, endpoint: Endpoint, outcome: Outcome) -> Option<&AtomicU64> {
        self.0.get(endpoint.index())?.get(outcome.index())
    }
}

impl Observer for RequestMetrics {
    fn now_nanos(&self) -> u64 {
        self.clock.now_nanos()
    }

    fn step_ended(&self, step: Step, nanos: u64) {
        if let Some(histogram) = self.steps.get(step.index()) {
            histogram.observe(nanos);
        }
    }

    fn api_type(&self, name: Option<&str>) -> usize {
        let Some(name) = name else { return 0 };
        let name = if name == APP_SYNONYM.0 { APP_SYNONYM.1 } else { name };
        // The first two are no names of api_types.
        let known = self.known().skip(2).position(|known| known.name == name);
        known.map_or(OTHER_NUMBER, |place| place + 2)
    }

    fn request_ended(&self, endpoint: Endpoint, api_type: usize, outcome: Outcome) {
        let api_type = self.api_types.get(api_type).and_then(OnceLock::get);
        let Some(mine) = api_type.map(|api_type| api_type.requests.mine()) else { return };
        if let Some(count) = mine.value.of(endpoint, outcome) {
            mine.adding().add(count, 1);
        }
    }
}

impl Collector for RequestMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Requests by endpoint, api_type and outcome.";
        let mut family = encoder.encode_descriptor("locum_requests", help, None, MetricType::Counter)?;
        for api_type in self.known() {
            for endpoint in Endpoint::ALL {
                for outcome in Outcome::all() {
                    let count = self.count(api_type, endpoint, outcome);
                    // Most combinations never happen. Success is there from the start, so that rates can be computed.
                    if count > 0 || (endpoint == Endpoint::Delegation && outcome == Outcome::Issued) {
                        let labels = [
                            ("endpoint", endpoint.as_str()),
                            ("api_type", api_type.name.as_str()),
                            ("outcome", outcome.as_str()),
                        ];
                        encode_counter(&mut family, &labels, count)?;
                    }
                }
            }
        }
        let help = "Duration of each step of a request.";
        let name = "locum_stage_duration_seconds";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (step, histogram) in Step::ALL.into_iter().zip(&self.steps) {
            histogram.encode(&mut family, &[("stage", step.as_str())])?;
        }
        Ok(())
    }
}

impl fmt::Debug for RequestMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestMetrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use locum_engine::RefusalKind;
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::*;

    fn text(metrics: &Arc<RequestMetrics>) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Arc::clone(metrics)));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text
    }

    fn count(metrics: &RequestMetrics, api_type: Option<&str>) {
        let refused = Outcome::Refused(RefusalKind::InvalidGrant);
        metrics.request_ended(Endpoint::Delegation, metrics.api_type(api_type), refused);
    }

    #[test]
    fn only_a_configured_api_type_has_counts_of_its_own() {
        let metrics = Arc::new(RequestMetrics::new(Arc::default()));
        count(&metrics, Some("aws"));
        metrics.add("aws");
        metrics.add("app");
        // A second add-on of the same api_type.
        metrics.add("aws");
        for api_type in ["aws", "aws", "app", "auth0", "AWS", "other", "none", "", "a\"} 1\nx{y=\""] {
            count(&metrics, Some(api_type));
        }
        count(&metrics, None);
        let text = text(&metrics);
        let counted: Vec<&str> = text.lines().filter(|line| line.contains("invalid_grant")).collect();
        let line = |api_type: &str, count: u64| {
            format!(
                "locum_requests_total{{endpoint=\"delegation\",api_type=\"{api_type}\",outcome=\"invalid_grant\"}} {count}"
            )
        };
        assert_eq!(counted, [line("none", 1), line("other", 6), line("aws", 2), line("app", 2)]);
    }

    #[test]
    fn every_outcome_of_each_endpoint_is_written_once_it_has_happened() {
        let metrics = Arc::new(RequestMetrics::new(Arc::default()));
        let requests =
            |text: &str| text.lines().filter(|line| line.starts_with("locum_requests_total")).count();
        // `issued`, of both names that no add-on has.
        assert_eq!(requests(&text(&metrics)), 2);
        for endpoint in Endpoint::ALL {
            for outcome in Outcome::all() {
                metrics.request_ended(endpoint, 0, outcome);
            }
        }
        let text = text(&metrics);
        assert_eq!(requests(&text), Endpoint::ALL.len() * Outcome::COUNT + 1);
        assert!(
            text.contains("{endpoint=\"revocation\",api_type=\"none\",outcome=\"revoked\"} 1\n"),
            "{text}"
        );
    }

    #[test]
    fn every_endpoint_and_outcome_is_described() {
        let described = include_str!("../../../../docs/monitoring/README.md");
        let endpoints = Endpoint::ALL.into_iter().map(Endpoint::as_str);
        for name in endpoints.chain(Outcome::all().map(Outcome::as_str)) {
            assert!(described.contains(&format!("`{name}`")), "{name}");
        }
    }

    #[test]
    fn more_api_types_than_there_is_room_for_are_counted_together() {
        let metrics = Arc::new(RequestMetrics::new(Arc::default()));
        for n in 0..2 * API_TYPES_MAX {
            metrics.add(&format!("kind{n}"));
        }
        let last = API_TYPES_MAX - 3;
        assert_ne!(metrics.api_type(Some(&format!("kind{last}"))), OTHER_NUMBER);
        assert_eq!(metrics.api_type(Some(&format!("kind{}", last + 1))), OTHER_NUMBER);
    }
}
