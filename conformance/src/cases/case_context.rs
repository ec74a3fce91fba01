//! The context of one case: the real router and engine around the plugin, with a clock, buckets and upstreams of the
//! case's own.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http;
use http_body_util::BodyExt as _;
use locum_engine::ports::{AuditSink, Buckets};
use locum_engine::{Engine, Ports};
use locum_server::{Limits, ServerOptions, router};
use locum_store::{MemoryBuckets, MemoryDirectory, TenantData, TenantSet};
use tower::ServiceExt as _;

use crate::cases::both_endpoints::{as_token_exchange, differences, without_authentication};
use crate::cases::harness::Harness;
use crate::cases::ports::{
    CountingEntropy, RecordingAuditSink, SlowBuckets, UnavailableBuckets, VirtualClock,
};
use crate::cases::scripted_upstreams::Script;
use crate::exchange::message::{Internals, Request, Response, Transcript};
use crate::faults::fault::Fault;
use crate::faults::{FaultyAuditSink, FaultyBuckets};
use crate::fixtures::fixture::{RateLimiterState, ServerChanges, UpstreamExchange};
use crate::fixtures::tested_tenant::TestedTenant;
use crate::fixtures::variables::TimeWindow;

/// A server in this process, made for one case.
pub(crate) struct CaseContext {
    harness: Harness,
    clock: Arc<VirtualClock>,
    audit: Arc<RecordingAuditSink>,
    directory: Arc<MemoryDirectory>,
    router: Router,
    /// The server that answers the same requests at the other endpoint.
    twin: Option<Box<CaseContext>>,
    /// What was logged when the issuers were configured.
    pub(crate) log_of_configuring: Vec<String>,
}

impl CaseContext {
    /// A server with this tenant only, at this time.
    ///
    /// # Errors
    /// A malformed network among the trusted proxies, or a tenant that cannot be prepared.
    pub(crate) fn new(
        harness: Harness,
        mut tenant: TenantData,
        server: &ServerChanges,
        now_unix_seconds: i64,
    ) -> Result<Self, String> {
        if let Some(Fault::Tenant(change)) = harness.fault {
            change(&mut tenant);
        }
        let twin = harness.both_endpoints.as_ref().map(|_| {
            let harness = Harness { both_endpoints: None, ..harness.clone() };
            Self::new(harness, without_authentication(tenant.clone()), server, now_unix_seconds).map(Box::new)
        });
        let twin = twin.transpose()?;
        harness.log.clear();
        let set = TenantSet::prepare(vec![tenant], &*harness.issuers).map_err(|error| error.to_string())?;
        let log_of_configuring = harness.log.lines();
        let directory = Arc::new(MemoryDirectory::new(set));
        let clock = Arc::new(VirtualClock::at(now_unix_seconds));
        let audit = Arc::new(RecordingAuditSink::default());
        let mut buckets: Arc<dyn Buckets> = match server.rate_limiter {
            RateLimiterState::Answers => Arc::new(MemoryBuckets::default()),
            RateLimiterState::Slow => Arc::new(SlowBuckets::default()),
            RateLimiterState::Silent => Arc::new(UnavailableBuckets),
        };
        let mut sink: Arc<dyn AuditSink> = audit.clone();
        if let Some(fault) = harness.fault {
            buckets = Arc::new(FaultyBuckets { inner: buckets, fault });
            sink = Arc::new(FaultyAuditSink { inner: sink, fault });
        }
        let entropy = Arc::new(CountingEntropy::default());
        let ports = Ports::new(clock.clone(), entropy, directory.clone(), buckets, sink);
        let router = router(Arc::new(Engine::new(ports)), server_options(server)?);
        Ok(Self { harness, clock, audit, directory, router, twin, log_of_configuring })
    }

    /// Whether the plugin's requests are to be taken as signed correctly, because they were changed after that.
    pub(crate) fn takes_signatures_as_valid(&self) -> bool {
        self.harness.request_fault.as_ref().is_some_and(|fault| fault.change.is_signed())
    }

    /// The exchanges of the last request's script without those that it left out.
    pub(crate) fn script(&self) -> Vec<UpstreamExchange> {
        self.harness.upstreams.script()
    }

    /// Moves the clock forward.
    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(seconds);
        if let Some(twin) = &self.twin {
            twin.advance(seconds);
        }
    }

    /// The time of the case's clock.
    pub(crate) fn now(&self) -> TimeWindow {
        let now = self.clock.now_unix_seconds();
        TimeWindow { earliest: now, latest: now }
    }

    /// Pointer and message of each refusal of the client's settings for this api_type.
    pub(crate) fn refused_settings(&self, client: &str, api_type: &str) -> Vec<(Option<String>, String)> {
        let problems = self.directory.current().problems().into_iter().map(|found| found.problem);
        problems
            .filter(|problem| problem.client_id == client && problem.api_type == api_type)
            .map(|problem| (problem.failure.pointer, problem.failure.message))
            .collect()
    }

    /// Sends a request, to both endpoints if the harness says so. The upstreams answer by the script.
    ///
    /// # Errors
    /// A request that HTTP cannot carry.
    pub(crate) async fn send(
        &self,
        request: &Request,
        script: Script,
        tested: &TestedTenant,
    ) -> Result<Transcript, String> {
        let (Some(twin), Some(both)) = (&self.twin, &self.harness.both_endpoints) else {
            return self.send_once(request, script, tested).await;
        };
        let Some(exchange) = as_token_exchange(request) else {
            return self.send_once(request, script, tested).await;
        };
        let mut transcript = self.send_once(request, script.clone(), tested).await?;
        let exchanged = twin.send_once(&exchange, script, tested).await?;
        both.count();
        let found = differences(&transcript, &exchanged);
        if let Some(internals) = &mut transcript.internals {
            internals.endpoint_differences = found;
            internals.exchanged_upstream_requests =
                exchanged.internals.map(|internals| internals.upstream_requests).unwrap_or_default();
        }
        Ok(transcript)
    }

    async fn send_once(
        &self,
        request: &Request,
        script: Script,
        tested: &TestedTenant,
    ) -> Result<Transcript, String> {
        let mut received = request.clone();
        if let Some(Fault::Request(change)) = self.harness.fault {
            change(&mut received, tested);
        }
        self.harness.upstreams.start(script);
        self.harness.log.clear();
        let _of_earlier_steps = self.harness.runner_tokens.take();
        self.audit.clear();
        let mut http_request = http::Request::builder().method(received.method).uri(&received.target);
        http_request = http_request.header("host", &received.host);
        for (name, value) in &received.headers {
            http_request = http_request.header(name, value);
        }
        let mut http_request = http_request
            .body(Body::from(received.body))
            .map_err(|error| format!("the request cannot be made: {error}"))?;
        http_request.extensions_mut().insert(ConnectInfo(SocketAddr::new(received.ip, 50_000)));
        let Ok(response) = self.router.clone().oneshot(http_request).await;
        let (head, body) = response.into_parts();
        let body =
            body.collect().await.map_err(|error| format!("the response broke off: {error}"))?.to_bytes();
        let headers = head.headers.iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let mut response = Response {
            status: head.status.as_u16(),
            headers: headers.collect(),
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        if let Some(Fault::Response(change)) = self.harness.fault {
            change(&mut response, request);
        }
        let mut upstream_requests = self.harness.upstreams.requests();
        if let Some(fault) = &self.harness.request_fault {
            fault.change(&request.target, &mut upstream_requests);
        }
        let internals = Internals {
            audit: self.audit.take(),
            log: self.harness.log.lines(),
            upstream_exchanges: self.harness.upstreams.exchanges(),
            upstream_requests,
            exchanged_upstream_requests: Vec::new(),
            runner_tokens: self.harness.runner_tokens.take(),
            endpoint_differences: Vec::new(),
        };
        Ok(Transcript { response, window: self.now(), internals: Some(internals) })
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
