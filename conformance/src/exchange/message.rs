//! A request, its response, and what happened inside the server in between.

use std::net::IpAddr;

use locum_abi::upstream::{UpstreamReply, UpstreamRequest};
use locum_host::AllowedRequest;
use serde_json::{Map, Value};

use crate::fixtures::variables::TimeWindow;

/// A request as it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) host: String,
    /// The address of the peer.
    pub(crate) ip: IpAddr,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// A response as it arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Response {
    /// The values of a header.
    pub(crate) fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The body as a JSON object, if it is one.
    pub(crate) fn object(&self) -> Option<Map<String, Value>> {
        serde_json::from_str(&self.body).ok()
    }
}

/// What is known about one exchange.
#[derive(Debug, Clone)]
pub(crate) struct Transcript {
    pub(crate) response: Response,
    /// When the request was sent.
    pub(crate) window: TimeWindow,
    /// What happened inside the server; `None` for a remote server.
    pub(crate) internals: Option<Internals>,
}

/// What happened inside the server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Internals {
    /// The audit events, as JSON objects.
    pub(crate) audit: Vec<Map<String, Value>>,
    /// The log lines.
    pub(crate) log: Vec<String>,
    /// What the plugin asked upstreams, and what it got.
    pub(crate) upstream_exchanges: Vec<UpstreamTranscript>,
    /// The requests among them, changed by the fault of a mutant.
    pub(crate) upstream_requests: Vec<UpstreamRequest>,
    /// The same when `/oauth/token` was asked for the same.
    pub(crate) exchanged_upstream_requests: Vec<UpstreamRequest>,
    /// Tokens with a random signature that the plugin issued in its own process for the same request.
    pub(crate) runner_tokens: Vec<String>,
    /// What `/oauth/token` decided differently, if it was asked for the same.
    pub(crate) endpoint_differences: Vec<String>,
}

/// An upstream request of the plugin, and what it got.
#[derive(Debug, Clone)]
pub(crate) struct UpstreamTranscript {
    pub(crate) request: UpstreamRequest,
    /// The reply, or why there was none.
    pub(crate) reply: Result<UpstreamReply, String>,
}

impl UpstreamTranscript {
    /// Of a request that has no reply yet.
    pub(crate) fn of(request: &AllowedRequest) -> Self {
        let mut sent = UpstreamRequest::new(request.method().as_str(), request.url().as_str());
        sent.headers = request.headers().to_vec();
        sent.body = request.body().to_owned();
        sent.body_encoding = request.body_encoding();
        Self { request: sent, reply: Err("no reply".to_owned()) }
    }
}
