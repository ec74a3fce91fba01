//! Metrics: what the engine and the host tell, and what is asked for at each scrape. Labels are bounded by the configuration;
//! no user, no client and no text of a request becomes one.

mod calls;
mod clock;
mod counter;
mod histogram;
mod process;
mod requests;
mod sharded;
mod sources;
mod text;

use std::fmt;
use std::sync::{Arc, OnceLock};

use locum_engine::ports::Observer;
use locum_host::CallObservers;
use locum_server::MetricsFormat;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Registry;

use crate::metrics::calls::{CallMetrics, ConfiguredIssuers};
use crate::metrics::clock::MonotonicClock;
use crate::metrics::process::ProcessMetrics;
use crate::metrics::requests::RequestMetrics;
pub(crate) use crate::metrics::sources::Sources;

/// All metrics of a server.
pub(crate) struct Metrics {
    requests: Arc<RequestMetrics>,
    calls: Arc<CallMetrics>,
    sources: Arc<OnceLock<Sources>>,
    registry: Registry,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let clock = Arc::<MonotonicClock>::default();
        let requests = Arc::new(RequestMetrics::new(Arc::clone(&clock)));
        let calls = Arc::new(CallMetrics::new(clock));
        let sources = Arc::<OnceLock<Sources>>::default();
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Arc::clone(&requests)));
        registry.register_collector(Box::new(Arc::clone(&calls)));
        registry.register_collector(Box::new(OnceStarted(Arc::clone(&sources))));
        registry.register_collector(Box::new(ProcessMetrics));
        Self { requests, calls, sources, registry }
    }

    /// Who measures requests, for the engine.
    pub(crate) fn observer(&self) -> Arc<dyn Observer> {
        Arc::clone(&self.requests) as _
    }

    /// Who measures calls, for the host.
    pub(crate) fn call_observers(&self) -> Arc<dyn CallObservers> {
        let (calls, requests) = (Arc::clone(&self.calls), Arc::clone(&self.requests));
        Arc::new(ConfiguredIssuers { calls, requests })
    }

    /// Reads these from now on. They are there when the server has been started.
    pub(crate) fn read_from(&self, sources: Sources) {
        // There is one start.
        let _ = self.sources.set(sources);
    }

    /// What all metrics are now.
    pub(crate) fn text(&self, format: MetricsFormat) -> String {
        let text = text::open_metrics(&self.registry);
        if format == MetricsFormat::OpenMetrics { text } else { text::prometheus(&text) }
    }
}

/// The sources, once there are any.
struct OnceStarted(Arc<OnceLock<Sources>>);

impl Collector for OnceStarted {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.0.get().map_or(Ok(()), |sources| sources.encode(encoder))
    }
}

impl fmt::Debug for OnceStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnceStarted").finish_non_exhaustive()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
