//! Calls of plugins and of upstreams, counted for the host.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use locum_host::{CallObserver, CallObservers, CallOutcome, Isolation, Operation, UpstreamOutcome};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;

use crate::metrics::clock::MonotonicClock;
use crate::metrics::counter::encode_counter;
use crate::metrics::histogram::{DurationCounts, DurationHistogram};
use crate::metrics::requests::RequestMetrics;
use crate::metrics::sharded::{Adding, Sharded};

/// Most origins with series of their own; the calls of further ones are counted together. Each tenant may configure
/// another one.
const ORIGINS_MAX: usize = 100;

/// What the calls of further origins are counted under.
const OTHER: &str = "other";

/// Counts calls of plugins and upstreams.
#[derive(Debug)]
pub(crate) struct CallMetrics {
    clock: Arc<MonotonicClock>,
    plugins: Mutex<Vec<PluginMetrics>>,
    upstreams: Arc<UpstreamMetrics>,
}

/// Gives the observers of issuers, and lets requests for their api_types be counted.
pub(crate) struct ConfiguredIssuers {
    pub(crate) calls: Arc<CallMetrics>,
    pub(crate) requests: Arc<RequestMetrics>,
}

/// A plugin. Its pin may change the isolation while the server runs, by an upgrade.
#[derive(Debug)]
struct PluginMetrics {
    name: String,
    calls: Arc<Sharded<Counts>>,
    durations: Vec<(Isolation, Arc<DurationHistogram>)>,
}

/// The calls of a plugin at one level of isolation.
struct PluginCalls {
    clock: Arc<MonotonicClock>,
    calls: Arc<Sharded<Counts>>,
    durations: Arc<DurationHistogram>,
    upstreams: Arc<UpstreamMetrics>,
}

/// By operation and outcome.
struct Counts([[AtomicU64; CallOutcome::ALL.len()]; Operation::ALL.len()]);

/// The calls of all plugins' upstreams. They take long, so that a lock is not felt.
#[derive(Debug, Default)]
struct UpstreamMetrics(Mutex<Vec<Upstream>>);

/// An origin, and the calls with each outcome that there was.
#[derive(Debug)]
struct Upstream {
    origin: String,
    outcomes: [Option<Box<DurationCounts>>; UpstreamOutcome::ALL.len()],
}

impl Default for Counts {
    fn default() -> Self {
        Self(std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0))))
    }
}

impl Counts {
    fn of(&self, operation: Operation, outcome: CallOutcome) -> Option<&AtomicU64> {
        self.0.get(operation.index())?.get(outcome.index())
    }
}

impl CallMetrics {
    pub(super) fn new(clock: Arc<MonotonicClock>) -> Self {
        Self { clock, plugins: Mutex::default(), upstreams: Arc::default() }
    }

    fn plugin(&self, name: &str, isolation: Isolation) -> PluginCalls {
        let mut plugins = locked(&self.plugins);
        let plugin = entry(
            &mut plugins,
            |known| known.name == name,
            || PluginMetrics { name: name.to_owned(), calls: Arc::default(), durations: Vec::new() },
        );
        let (_, durations) =
            entry(&mut plugin.durations, |(known, _)| *known == isolation, || (isolation, Arc::default()));
        PluginCalls {
            clock: Arc::clone(&self.clock),
            calls: Arc::clone(&plugin.calls),
            durations: Arc::clone(durations),
            upstreams: Arc::clone(&self.upstreams),
        }
    }
}

/// The first one like this, which is added if there is none.
fn entry<T>(all: &mut Vec<T>, like_this: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> &mut T {
    let place = all.iter().position(like_this).unwrap_or(all.len());
    if place == all.len() {
        all.push(new());
    }
    #[expect(clippy::indexing_slicing, reason = "it was found there, or added there")]
    &mut all[place]
}

impl CallObservers for ConfiguredIssuers {
    fn of_issuer(&self, plugin: &str, isolation: Isolation, api_type: &str) -> Arc<dyn CallObserver> {
        self.requests.add(api_type);
        Arc::new(self.calls.plugin(plugin, isolation))
    }
}

impl CallObserver for PluginCalls {
    fn now_nanos(&self) -> u64 {
        self.clock.now_nanos()
    }

    fn plugin_called(&self, operation: Operation, outcome: CallOutcome, nanos: u64) {
        let mine = self.calls.mine();
        if let Some(count) = mine.value.of(operation, outcome) {
            mine.adding().add(count, 1);
        }
        self.durations.observe(nanos);
    }

    fn upstream_called(&self, origin: &str, outcome: UpstreamOutcome, nanos: u64) {
        self.upstreams.observe(origin, outcome, nanos);
    }
}

impl UpstreamMetrics {
    fn observe(&self, origin: &str, outcome: UpstreamOutcome, nanos: u64) {
        let mut upstreams = locked(&self.0);
        let is_new = !upstreams.iter().any(|known| known.origin == origin);
        let origin = if is_new && upstreams.len() >= ORIGINS_MAX { OTHER } else { origin };
        let upstream = entry(
            &mut upstreams,
            |known| known.origin == origin,
            || Upstream { origin: origin.to_owned(), outcomes: Default::default() },
        );
        if let Some(counts) = upstream.outcomes.get_mut(outcome.index()) {
            counts.get_or_insert_default().observe(nanos, Adding::Together);
        }
    }
}

impl Collector for CallMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let plugins = locked(&self.plugins);
        let help = "Calls of plugins by operation and outcome. A request may need several calls.";
        let mut family = encoder.encode_descriptor("locum_plugin_calls", help, None, MetricType::Counter)?;
        for plugin in plugins.iter() {
            for operation in Operation::ALL {
                for outcome in CallOutcome::ALL {
                    let counts = plugin.calls.all().filter_map(|counts| counts.of(operation, outcome));
                    let count = counts.map(|count| count.load(Relaxed)).sum();
                    if count > 0 || (operation, outcome) == (Operation::Issue, CallOutcome::Answered) {
                        let (op, outcome) = (operation.as_str(), outcome.as_str());
                        let labels = [("plugin", plugin.name.as_str()), ("op", op), ("outcome", outcome)];
                        encode_counter(&mut family, &labels, count)?;
                    }
                }
            }
        }
        let help = "Duration of each call of a plugin.";
        let name = "locum_plugin_call_duration_seconds";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for plugin in plugins.iter() {
            for (isolation, durations) in &plugin.durations {
                let labels = [("plugin", plugin.name.as_str()), ("isolation", isolation.as_str())];
                durations.encode(&mut family, &labels)?;
            }
        }
        self.upstreams.encode(&mut encoder)
    }
}

impl UpstreamMetrics {
    fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Duration of each call of an upstream.";
        let name = "locum_upstream_duration_seconds";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for Upstream { origin, outcomes } in locked(&self.0).iter() {
            for (outcome, counts) in UpstreamOutcome::ALL.into_iter().zip(outcomes) {
                if let Some(counts) = counts {
                    counts
                        .encode(&mut family, &[("origin", origin.as_str()), ("outcome", outcome.as_str())])?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for ConfiguredIssuers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfiguredIssuers").finish_non_exhaustive()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use locum_engine::ports::Observer;
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::*;

    fn issuers() -> ConfiguredIssuers {
        let clock = Arc::<MonotonicClock>::default();
        let requests = Arc::new(RequestMetrics::new(Arc::clone(&clock)));
        ConfiguredIssuers { calls: Arc::new(CallMetrics::new(clock)), requests }
    }

    fn lines_with(issuers: &ConfiguredIssuers, text: &str) -> Vec<String> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Arc::clone(&issuers.calls)));
        let mut all = String::new();
        encode(&mut all, &registry).unwrap();
        all.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
    }

    #[test]
    fn the_issuers_of_a_plugin_are_counted_together_and_levels_timed_apart() {
        let issuers = issuers();
        let observer = |isolation, api_type| issuers.of_issuer("aws", isolation, api_type);
        // The last one after an upgrade, with another pin.
        for observer in [
            observer(Isolation::Runner, "aws"),
            observer(Isolation::Runner, "aws2"),
            observer(Isolation::InProcess, "aws"),
        ] {
            observer.plugin_called(Operation::Issue, CallOutcome::Answered, 1000);
            observer.plugin_called(Operation::Revoke, CallOutcome::Died, 1000);
        }
        assert_eq!(
            lines_with(&issuers, "locum_plugin_calls_total"),
            [
                "locum_plugin_calls_total{plugin=\"aws\",op=\"issue\",outcome=\"answered\"} 3",
                "locum_plugin_calls_total{plugin=\"aws\",op=\"revoke\",outcome=\"died\"} 3",
            ]
        );
        assert_eq!(
            lines_with(&issuers, "_seconds_count"),
            [
                "locum_plugin_call_duration_seconds_count{plugin=\"aws\",isolation=\"runner\"} 4",
                "locum_plugin_call_duration_seconds_count{plugin=\"aws\",isolation=\"in_process\"} 2",
            ]
        );
        assert_ne!(issuers.requests.api_type(Some("aws")), issuers.requests.api_type(Some("aws2")));
    }

    #[test]
    fn more_origins_than_there_is_room_for_are_counted_together() {
        let issuers = issuers();
        let observer = issuers.of_issuer("aws", Isolation::Runner, "aws");
        for n in 0..ORIGINS_MAX + 5 {
            observer.upstream_called(&format!("https://{n}.example.com"), UpstreamOutcome::Success, 1000);
        }
        observer.upstream_called("https://0.example.com", UpstreamOutcome::TimedOut, 1000);
        let counts = lines_with(&issuers, "locum_upstream_duration_seconds_count");
        assert_eq!(counts.len(), ORIGINS_MAX + 2);
        let other = "locum_upstream_duration_seconds_count{origin=\"other\",outcome=\"success\"} 5";
        assert_eq!(counts.last().map(String::as_str), Some(other));
        let timed_out = "{origin=\"https://0.example.com\",outcome=\"timed_out\"} 1";
        assert!(counts.iter().any(|line| line.ends_with(timed_out)), "{counts:?}");
    }
}
