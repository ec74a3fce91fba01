//! What an operator or embedder sets, and every limit of this crate.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use serde_json::{Map, Value};

/// How a router answers. [`Default`] is right for a router that clients reach directly.
#[derive(Clone)]
pub struct ServerOptions {
    /// The proxies whose `X-Forwarded-For` is believed. Empty: nobody's is.
    pub trusted_proxies: Vec<IpNet>,
    /// The path that the router is nested under, such as `/auth`, as clients see it; empty for none. Discovery and SAML
    /// metadata name URLs with it.
    pub path_prefix: String,
    /// Bounds on what one request, and all together, may take.
    pub limits: Limits,
    /// Asked by `/readyz`. It must not block.
    pub ready: Arc<dyn Fn() -> bool + Send + Sync>,
    /// What `/readyz` shows besides `status`. Everybody who reaches the server can read it. It must not block.
    pub details: Arc<dyn Fn() -> Map<String, Value> + Send + Sync>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            trusted_proxies: Vec::new(),
            path_prefix: String::new(),
            limits: Limits::default(),
            ready: Arc::new(|| true),
            details: Arc::new(Map::new),
        }
    }
}

impl fmt::Debug for ServerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerOptions")
            .field("trusted_proxies", &self.trusted_proxies)
            .field("path_prefix", &self.path_prefix)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Bounds, each with a default that old clients never reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest body, or query string of a JSONP request: more is 413. 64 KiB.
    pub body_bytes_max: usize,
    /// Most parameters, or members of a JSON body: more is 400. 100.
    pub parameters_max: usize,
    /// Most requests that wait at once, over all connections, for an upstream, a signature or a store: more is 503. 512.
    pub in_flight_max: usize,
    /// Longest time from a request's head to its answer: more is 503, or 408 if the body has not arrived by then. 15 s.
    pub request_deadline: Duration,
    /// Longest request line and headers together: more is 431. 32 KiB. Read by [`serve`](crate::serve()).
    pub head_bytes_max: usize,
    /// Longest wait for a complete head, on a new connection and between two requests; then the connection is closed.
    /// 30 s. Read by [`serve`](crate::serve()).
    pub head_deadline: Duration,
    /// Most open connections; more wait in the backlog of the socket. 8192. Read by [`serve`](crate::serve()).
    pub connections_max: usize,
    /// Most open connections of one address, of IPv6 of one /64: one more is closed at once. Those of trusted proxies are
    /// not counted. 256. Read by [`serve`](crate::serve()).
    pub connections_per_address_max: usize,
    /// Longest wait for a client to read of its answer; then the connection is closed. 30 s. Read by
    /// [`serve`](crate::serve()).
    pub write_deadline: Duration,
    /// Longest time that a stop waits for requests in flight. 20 s. Read by [`serve`](crate::serve()).
    pub drain_deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 64 * 1024,
            parameters_max: 100,
            in_flight_max: 512,
            request_deadline: Duration::from_secs(15),
            head_bytes_max: 32 * 1024,
            head_deadline: Duration::from_secs(30),
            connections_max: 8192,
            connections_per_address_max: 256,
            write_deadline: Duration::from_secs(30),
            drain_deadline: Duration::from_secs(20),
        }
    }
}
