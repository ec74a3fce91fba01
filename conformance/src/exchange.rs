//! One request, and all that could be seen of what became of it.

use std::net::IpAddr;

use serde_json::{Map, Value};

use crate::variables::TimeWindow;

/// A request as it goes over the wire.
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

/// What came back.
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

/// All that could be seen of one exchange.
#[derive(Debug, Clone)]
pub(crate) struct Transcript {
    pub(crate) response: Response,
    /// When it was asked.
    pub(crate) window: TimeWindow,
    /// What only the inside shows; `None` where the server is somebody else's.
    pub(crate) internals: Option<Internals>,
}

/// What only the inside shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Internals {
    /// The audit events, as objects.
    pub(crate) audit: Vec<Map<String, Value>>,
    /// The log lines.
    pub(crate) log: Vec<String>,
    /// Upstream requests that were made.
    pub(crate) upstream_calls: usize,
    /// How upstream requests differed from the script.
    pub(crate) upstream_deviations: Vec<String>,
}
