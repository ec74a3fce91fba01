//! The stage of one case: the real router and engine around the plugin, with time, buckets and upstreams of its own.

mod log_lines;
mod ports;
mod script;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use http_body_util::BodyExt as _;
use locum_abi::manifest::Manifest;
use locum_engine::ports::{AuditSink, Buckets, Issuers};
use locum_engine::{Engine, Ports};
use locum_server::{Limits, ServerOptions, router};
use locum_store::{MemoryBuckets, MemoryDirectory, TenantData, TenantSet};
use tower::ServiceExt as _;

use self::ports::{CountingEntropy, RecordedAudit, SilentBuckets, VirtualClock};
use crate::exchange::{Answered, Asked, Inside, Observed};
use crate::fixture::{RateLimiterState, ServerChanges, UpstreamExchange};
use crate::sheet::PluginSheet;
use crate::tenant::TenantDocument;
use crate::variables::Window;
use crate::weakening::{WeakAudit, WeakBuckets, WeakIssuers, Weakening};

pub(crate) use self::log_lines::LogLines;
pub(crate) use self::script::ScriptedUpstreams;

/// What every stage of a run shares: the plugins, and what is seen of them.
#[derive(Clone)]
pub(crate) struct House {
    pub(crate) issuers: Arc<dyn Issuers>,
    pub(crate) upstreams: Arc<ScriptedUpstreams>,
    pub(crate) log: Arc<LogLines>,
    /// A fault that the suite must notice.
    pub(crate) weakening: Option<Weakening>,
}

impl House {
    /// The same house with a fault in it.
    pub(crate) fn weakened(&self, manifest: &Manifest, sheet: &PluginSheet, weakening: Weakening) -> Self {
        let issuers = Arc::new(WeakIssuers::new(self.issuers.clone(), manifest, sheet, weakening));
        Self { issuers, weakening: Some(weakening), ..self.clone() }
    }
}

/// A server of its own, made for one case.
pub(crate) struct Stage {
    house: House,
    clock: Arc<VirtualClock>,
    audit: Arc<RecordedAudit>,
    directory: Arc<MemoryDirectory>,
    router: Router,
}

impl Stage {
    /// A server with this one tenant, at this time.
    ///
    /// # Errors
    /// A network in the wrong notation, or a tenant that cannot be prepared.
    pub(crate) fn new(
        house: House,
        mut tenant: TenantData,
        server: &ServerChanges,
        now_unix_seconds: i64,
    ) -> Result<Self, String> {
        if let Some(Weakening::Tenant(change)) = house.weakening {
            change(&mut tenant);
        }
        let set = TenantSet::prepare(vec![tenant], &*house.issuers).map_err(|error| error.to_string())?;
        let directory = Arc::new(MemoryDirectory::new(set));
        let clock = Arc::new(VirtualClock::at(now_unix_seconds));
        let audit = Arc::new(RecordedAudit::default());
        let mut buckets: Arc<dyn Buckets> = match server.rate_limiter {
            RateLimiterState::Answers => Arc::new(MemoryBuckets::default()),
            RateLimiterState::Silent => Arc::new(SilentBuckets),
        };
        let mut sink: Arc<dyn AuditSink> = audit.clone();
        if let Some(weakening) = house.weakening {
            buckets = Arc::new(WeakBuckets { inner: buckets, weakening });
            sink = Arc::new(WeakAudit { inner: sink, weakening });
        }
        let entropy = Arc::new(CountingEntropy::default());
        let ports = Ports::new(clock.clone(), entropy, directory.clone(), buckets, sink);
        let router = router(Arc::new(Engine::new(ports)), server_options(server)?);
        Ok(Self { house, clock, audit, directory, router })
    }

    /// Lets time pass.
    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(seconds);
    }

    /// The time.
    pub(crate) fn now(&self) -> Window {
        let now = self.clock.now_unix_seconds();
        Window { earliest: now, latest: now }
    }

    /// What each add-on of the target that cannot work is refused for: the pointer and the words.
    pub(crate) fn refused_settings(&self, client: &str, api_type: &str) -> Vec<(Option<String>, String)> {
        let problems = self.directory.current().problems().into_iter().map(|found| found.problem);
        problems
            .filter(|problem| problem.client_id == client && problem.api_type == api_type)
            .map(|problem| (problem.failure.pointer, problem.failure.message))
            .collect()
    }

    /// Makes a request, with the upstream's part in it.
    ///
    /// # Errors
    /// A request that HTTP cannot carry.
    pub(crate) async fn ask(
        &self,
        asked: &Asked,
        script: Vec<UpstreamExchange>,
        document: &TenantDocument,
    ) -> Result<Observed, String> {
        let mut heard = asked.clone();
        if let Some(Weakening::Question(change)) = self.house.weakening {
            change(&mut heard, document);
        }
        self.house.upstreams.play(script);
        self.house.log.clear();
        self.audit.clear();
        let mut request = Request::builder().method(heard.method).uri(&heard.target);
        request = request.header("host", &heard.host);
        for (name, value) in &heard.headers {
            request = request.header(name, value);
        }
        let mut request = request
            .body(Body::from(heard.body))
            .map_err(|error| format!("the request cannot be made: {error}"))?;
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(heard.ip, 50_000)));
        let Ok(response) = self.router.clone().oneshot(request).await;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| format!("the answer broke off: {error}"))?.to_bytes();
        let headers = head.headers.iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let mut answered = Answered {
            status: head.status.as_u16(),
            headers: headers.collect(),
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        if let Some(Weakening::Answer(change)) = self.house.weakening {
            change(&mut answered, asked);
        }
        let (upstream_calls, upstream_deviations) = self.house.upstreams.seen();
        let inside = Inside {
            audit: self.audit.take(),
            log: self.house.log.lines(),
            upstream_calls,
            upstream_deviations,
        };
        Ok(Observed { answered, window: self.now(), inside: Some(inside) })
    }
}

fn server_options(server: &ServerChanges) -> Result<ServerOptions, String> {
    let mut options = ServerOptions::default();
    for network in &server.trusted_proxies {
        let network =
            network.parse().map_err(|_| format!("`{network}` is not a network, such as 192.0.2.0/24"))?;
        options.trusted_proxies.push(network);
    }
    if let Some(in_flight_max) = server.in_flight_max {
        options.limits = Limits { in_flight_max, ..options.limits };
    }
    Ok(options)
}
