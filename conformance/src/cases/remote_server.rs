//! A running server, tested over HTTP.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use locum_engine::ports::Clock as _;
use locum_engine::{BucketRule, TokenBucket};
use locum_store::SystemClock;
use reqwest::Url;

use crate::exchange::http_client::HttpClient;
use crate::exchange::message::{Request, Response, Transcript};
use crate::fixtures::fixture::Step;
use crate::fixtures::variables::TimeWindow;

/// Maximum difference between the clocks of suite and server, in seconds.
const CLOCK_SKEW_SECONDS: i64 = 2;

/// A running server.
pub(crate) struct RemoteServer {
    base_url: Url,
    client: HttpClient,
    started_unix_ms: u64,
    users: AtomicU64,
    /// How many invalid tokens an address may present.
    invalid_token_rate: BucketRule,
    /// What the server has left for this address, if nobody else presents invalid tokens from it.
    invalid_tokens: Mutex<TokenBucket>,
}

impl RemoteServer {
    /// The server at a base URL, whose tenant has this limit of invalid tokens.
    ///
    /// # Errors
    /// A malformed URL, or a URL without a host.
    pub(crate) fn at(base_url: &str, invalid_token_rate: BucketRule) -> Result<Self, String> {
        let base_url = Url::parse(base_url).map_err(|error| format!("`{base_url}` is not a URL: {error}"))?;
        if !base_url.has_host() {
            return Err(format!("`{base_url}` names no host"));
        }
        let client = HttpClient::new()?;
        let started_unix_ms = SystemClock.now_unix_ms();
        Ok(Self {
            base_url,
            client,
            started_unix_ms,
            users: AtomicU64::new(0),
            invalid_token_rate,
            invalid_tokens: Mutex::new(TokenBucket::FULL),
        })
    }

    /// Counts the invalid tokens of a case before they are sent.
    ///
    /// # Errors
    /// The server would refuse this address, with later cases and the operator's own requests, for too many of them.
    pub(crate) fn admit_invalid_tokens(&self, number: u64) -> Result<(), String> {
        if number == 0 {
            return Ok(());
        }
        let (rule, now) = (self.invalid_token_rate, SystemClock.now_unix_ms());
        let mut bucket = self.invalid_tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let mut after = *bucket;
        for _ in 0..number {
            after = after.try_acquire(rule, now).0;
        }
        // The last one has to stay in the bucket: an empty one refuses valid requests too.
        if !after.peek(rule, now).conforms {
            return Err(format!(
                "sends invalid id_tokens; the tenant allows {} at once from an address, and other cases have sent about as many; repeat it with --only",
                rule.size
            ));
        }
        *bucket = after;
        Ok(())
    }

    /// Why a response says nothing about its request, if the server refuses this machine's address for earlier invalid
    /// tokens.
    pub(crate) fn refuses_this_address(&self, step: &Step, response: &Response) -> Option<String> {
        let description = response.object()?.get("error_description")?.as_str()?.to_owned();
        let counted = response.header("x-ratelimit-limit").next().is_some();
        let refused = response.status == 429
            && step.expect.status != 429
            && !counted
            && description.contains("invalid tokens");
        refused.then(|| {
            let seconds = response.header("retry-after").next().unwrap_or("60").to_owned();
            format!(
                "the server refuses this address for too many invalid tokens; repeat the run in a few minutes (retry-after: {seconds} s)"
            )
        })
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
        let target = request.target.trim_start_matches('/');
        let url = self
            .base_url
            .join(target)
            .map_err(|error| format!("`{target}` is not a request target: {error}"))?;
        let mut headers = vec![("host".to_owned(), request.host.clone())];
        headers.extend(request.headers.iter().cloned());
        let earliest = unix_seconds() - CLOCK_SKEW_SECONDS;
        let response = self
            .client
            .send(request.method, url, &headers, &request.body)
            .await
            .map_err(|error| format!("no response from {}: {error}", self.base_url))?;
        let latest = unix_seconds() + CLOCK_SKEW_SECONDS;
        Ok(Transcript { response, window: TimeWindow { earliest, latest }, internals: None })
    }
}

/// Why a response says nothing about its request, if the server's config or its other tenants explain it. The suite
/// knows the tenant file only.
pub(crate) fn explained_by_server(step: &Step, response: &Response) -> Option<String> {
    if let (Some(bytes), 413, 200) = (step.request.padding_bytes, step.expect.status, response.status) {
        return Some(format!("needs limits.body_bytes below {bytes}; this server accepts more"));
    }
    let host = step.request.host.as_ref().filter(|_| step.expect.status == 404)?;
    let Some(body) = response.object() else {
        return Some(format!("needs an answer of the server for the host {host}; a proxy has answered"));
    };
    let of_another_tenant = response.status == 403 && body.get("error")? == "unauthorized_client";
    of_another_tenant.then(|| format!("needs a server without a default tenant; one answers for {host}"))
}

fn unix_seconds() -> i64 {
    i64::try_from(SystemClock.now_unix_ms() / 1000).unwrap_or(i64::MAX)
}
