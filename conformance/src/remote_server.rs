//! Somebody's running server, asked over HTTP.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use locum_engine::ports::Clock as _;
use locum_store::SystemClock;
use reqwest::{Client, Method, Url, redirect};

use crate::exchange::{Request, Response, Transcript};
use crate::fixture::Fixture;
use crate::plugin_spec::IssuerSpec;
use crate::variables::TimeWindow;

/// Longest wait for an answer: the longest that a server may take for upstreams, and some.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// Largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// How far the clocks of the suite and of the server may be apart, in seconds.
const CLOCKS_APART_SECONDS: i64 = 2;

/// A server that somebody runs.
pub(crate) struct RemoteServer {
    base_url: Url,
    host: String,
    client: Client,
    begun_unix_ms: u64,
    users: AtomicU64,
}

impl RemoteServer {
    /// The server at a base URL, which answers for this domain.
    ///
    /// # Errors
    /// A URL that cannot be asked.
    pub(crate) fn at(base_url: &str, domain: &str) -> Result<Self, String> {
        let base_url = Url::parse(base_url).map_err(|error| format!("`{base_url}` is no URL: {error}"))?;
        if !base_url.has_host() {
            return Err(format!("`{base_url}` names no host"));
        }
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(ANSWER_WAIT)
            .no_proxy()
            .build()
            .map_err(|error| format!("no HTTP client: {error}"))?;
        let begun_unix_ms = SystemClock.now_unix_ms();
        Ok(Self { base_url, host: domain.to_owned(), client, begun_unix_ms, users: AtomicU64::new(0) })
    }

    /// The tenant's domain.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// A user that has not asked before: every case starts with a full bucket.
    pub(crate) fn fresh_user(&self) -> String {
        let number = self.users.fetch_add(1, Ordering::Relaxed);
        format!("auth0|conformance-{}-{number}", self.begun_unix_ms)
    }

    /// Now, as far as two clocks agree.
    pub(crate) fn now(&self) -> TimeWindow {
        let now = unix_seconds();
        TimeWindow { earliest: now, latest: now }
    }

    /// Makes a request.
    ///
    /// # Errors
    /// If there is no answer.
    pub(crate) async fn send(&self, request: &Request) -> Result<Transcript, String> {
        let failed =
            |error: reqwest::Error| format!("no answer from {}: {}", self.base_url, error.without_url());
        let target = request.target.trim_start_matches('/');
        let url = self.base_url.join(target).map_err(|error| format!("`{target}` is no target: {error}"))?;
        let method: Method =
            request.method.parse().map_err(|_| format!("`{}` is no method", request.method))?;
        let mut http_request = self.client.request(method, url).header("host", &request.host);
        for (name, value) in &request.headers {
            http_request = http_request.header(name, value);
        }
        let earliest = unix_seconds() - CLOCKS_APART_SECONDS;
        let mut http_response = http_request.body(request.body.clone()).send().await.map_err(failed)?;
        let latest = unix_seconds() + CLOCKS_APART_SECONDS;
        let headers = http_response.headers().iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let (status, headers) = (http_response.status().as_u16(), headers.collect());
        let mut body = Vec::new();
        while let Some(chunk) = http_response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(format!("the answer has more than {ANSWER_BYTES_MAX} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        let response = Response { status, headers, body: String::from_utf8_lossy(&body).into_owned() };
        Ok(Transcript { response, window: TimeWindow { earliest, latest }, internals: None })
    }
}

/// What a case needs that somebody's server does not give, if anything.
pub(crate) fn missing_ability(fixture: &Fixture, spec: &IssuerSpec) -> Option<&'static str> {
    let given = &fixture.given;
    let steps = &fixture.steps;
    let needs = [
        (fixture.refused_setting.is_some(), "the plugin itself"),
        (given.now.is_some() || steps.iter().any(|step| step.after_seconds > 0), "a clock that can be moved"),
        (!given.settings.is_empty() || given.asked_lifetime_seconds.is_some(), "settings of its own"),
        (!given.tenant.is_empty(), "a tenant of its own"),
        (given.server != Default::default(), "a server set up for it"),
        (
            !spec.upstream.is_empty() || steps.iter().any(|step| step.upstream.is_some()),
            "upstreams that play a script",
        ),
        (steps.iter().any(|step| step.request.ip.is_some()), "another address to ask from"),
    ];
    needs.into_iter().find(|(needed, _)| *needed).map(|(_, what)| what)
}

fn unix_seconds() -> i64 {
    i64::try_from(SystemClock.now_unix_ms() / 1000).unwrap_or(i64::MAX)
}
