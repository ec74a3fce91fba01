//! The port to upstreams: whatever performs the upstream calls of issuers implements [`Upstreams`].

use locum_abi::upstream::UpstreamReply;
use locum_engine::ports::PortFuture;
use tokio::time::Instant;

use crate::egress::allowed_upstreams::AllowedRequest;

/// Performs allowed upstream calls.
pub trait Upstreams: Send + Sync {
    /// Sends a request and returns the reply, whatever its status.
    ///
    /// The reply's header names are lower case and its body is within
    /// [`UPSTREAM_REPLY_BYTES_MAX`](crate::limits::UPSTREAM_REPLY_BYTES_MAX). Implementations follow no redirects and keep
    /// no cookies.
    ///
    /// # Errors
    /// [`UpstreamError`] if no such reply arrives by the deadline.
    fn send(
        &self,
        request: AllowedRequest,
        deadline: Instant,
    ) -> PortFuture<'_, Result<UpstreamReply, UpstreamError>>;
}

/// Why an upstream call gave no usable reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// The upstream could not be reached, or its reply cannot be passed to an issuer. The text contains no path, query or
    /// body.
    #[error("{0}")]
    Unreachable(String),
    /// The upstream did not answer by the deadline.
    #[error("no answer in time")]
    TimedOut,
}
