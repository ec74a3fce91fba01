//! A running server, tested over HTTP.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use locum_engine::ports::Clock as _;
use locum_store::SystemClock;
use reqwest::{Client, Method, Url, redirect};

use crate::exchange::message::{Request, Response, Transcript};
use crate::fixtures::fixture::Fixture;
use crate::fixtures::plugin_spec::IssuerSpec;
use crate::fixtures::variables::TimeWindow;

/// How long to wait for a response: longer than a server may wait for its upstreams.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// Maximum size of a response body, in bytes.
const RESPONSE_BYTES_MAX: usize = 1 << 20;

/// Maximum difference between the clocks of suite and server, in seconds.
const CLOCK_SKEW_SECONDS: i64 = 2;

/// A running server.
pub(crate) struct RemoteServer {
    base_url: Url,
    host: String,
    client: Client,
    started_unix_ms: u64,
    users: AtomicU64,
}

impl RemoteServer {
    /// The server at a base URL, for the tenant with this domain.
    ///
    /// # Errors
    /// A malformed URL, or a URL without a host.
    pub(crate) fn at(base_url: &str, domain: &str) -> Result<Self, String> {
        let base_url = Url::parse(base_url).map_err(|error| format!("`{base_url}` is not a URL: {error}"))?;
        if !base_url.has_host() {
            return Err(format!("`{base_url}` names no host"));
        }
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(RESPONSE_TIMEOUT)
            .no_proxy()
            .build()
            .map_err(|error| format!("the HTTP client cannot be built: {error}"))?;
        let started_unix_ms = SystemClock.now_unix_ms();
        Ok(Self { base_url, host: domain.to_owned(), client, started_unix_ms, users: AtomicU64::new(0) })
    }

    /// The tenant's domain.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// A new user id, so that every case starts with a full bucket.
    pub(crate) fn fresh_user(&self) -> String {
        let number = self.users.fetch_add(1, Ordering::Relaxed);
        format!("auth0|conformance-{}-{number}", self.started_unix_ms)
    }

    /// The time of this machine's clock.
    pub(crate) fn now(&self) -> TimeWindow {
        let now = unix_seconds();
        TimeWindow { earliest: now, latest: now }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// No response, or a response that is too large.
    pub(crate) async fn send(&self, request: &Request) -> Result<Transcript, String> {
        let failed =
            |error: reqwest::Error| format!("no response from {}: {}", self.base_url, error.without_url());
        let target = request.target.trim_start_matches('/');
        let url = self
            .base_url
            .join(target)
            .map_err(|error| format!("`{target}` is not a request target: {error}"))?;
        let method: Method =
            request.method.parse().map_err(|_| format!("`{}` is not an HTTP method", request.method))?;
        let mut http_request = self.client.request(method, url).header("host", &request.host);
        for (name, value) in &request.headers {
            http_request = http_request.header(name, value);
        }
        let earliest = unix_seconds() - CLOCK_SKEW_SECONDS;
        let mut http_response = http_request.body(request.body.clone()).send().await.map_err(failed)?;
        let latest = unix_seconds() + CLOCK_SKEW_SECONDS;
        let headers = http_response.headers().iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let (status, headers) = (http_response.status().as_u16(), headers.collect());
        let mut body = Vec::new();
        while let Some(chunk) = http_response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > RESPONSE_BYTES_MAX {
                return Err(format!("the response body is larger than {RESPONSE_BYTES_MAX} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        let response = Response { status, headers, body: String::from_utf8_lossy(&body).into_owned() };
        Ok(Transcript { response, window: TimeWindow { earliest, latest }, internals: None })
    }
}

/// What a case needs that a remote server does not offer, if anything.
pub(crate) fn missing_ability(fixture: &Fixture, spec: &IssuerSpec) -> Option<&'static str> {
    let given = &fixture.given;
    let steps = &fixture.steps;
    let needs = [
        (fixture.refused_setting.is_some(), "the plugin file"),
        (given.now.is_some() || steps.iter().any(|step| step.after_seconds > 0), "a controllable clock"),
        (!given.settings.is_empty() || given.asked_lifetime_seconds.is_some(), "its own settings"),
        (!given.tenant.is_empty(), "its own tenant"),
        (given.server != Default::default(), "its own server options"),
        (!spec.upstream.is_empty() || steps.iter().any(|step| step.upstream.is_some()), "scripted upstreams"),
        (steps.iter().any(|step| step.request.ip.is_some()), "another client IP address"),
    ];
    needs.into_iter().find(|(needed, _)| *needed).map(|(_, what)| what)
}

fn unix_seconds() -> i64 {
    i64::try_from(SystemClock.now_unix_ms() / 1000).unwrap_or(i64::MAX)
}
