//! Requests that the host makes for an issuer, and what came back.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A request to an upstream. The host makes it only if the URL's host is one that the manifest declares.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamRequest {
    /// `GET` or `POST`.
    pub method: String,
    /// An absolute URL without user info and fragment.
    pub url: String,
    /// Header names and values, in order.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body, empty for none.
    #[serde(default)]
    pub body: String,
}

/// What the upstream answered, whatever its status. Failures to reach it never arrive here: the host answers
/// those itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamReply {
    /// The HTTP status.
    pub status: u16,
    /// Header names (lower case) and values.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body, valid UTF-8 within the host's size cap.
    #[serde(default)]
    pub body: String,
}

impl UpstreamReply {
    /// The first value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

// Bodies and headers carry assertions, passwords and fresh credentials: neither is ever printed.
impl fmt::Debug for UpstreamRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamRequest")
            .field("method", &self.method)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for UpstreamReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamReply").field("status", &self.status).finish_non_exhaustive()
    }
}
