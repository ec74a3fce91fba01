//! The way out, as a port: whoever performs the upstream calls of issuers implements [`Upstreams`].

use locum_abi::upstream::UpstreamReply;
use locum_engine::ports::PortFuture;
use tokio::time::Instant;

use crate::egress::allowed_upstreams::AllowedRequest;

/// Performs upstream calls that were found to be allowed.
pub trait Upstreams: Send + Sync {
    /// Sends a request and gives what came back, whatever its status.
    ///
    /// The reply's header names are lower case and its body is within
    /// [`UPSTREAM_REPLY_BYTES_MAX`](crate::limits::UPSTREAM_REPLY_BYTES_MAX). No redirect is followed and no cookie kept.
    ///
    /// # Errors
    /// [`UpstreamError`], if there is no such reply by the deadline.
    fn send(
        &self,
        request: AllowedRequest,
        deadline: Instant,
    ) -> PortFuture<'_, Result<UpstreamReply, UpstreamError>>;
}

/// Why there is no reply that an issuer could be given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// It could not be reached, or what it answered is nothing for an issuer. The text names no path, query or body.
    #[error("{0}")]
    Unreachable(String),
    /// It did not answer in time.
    #[error("no answer in time")]
    TimedOut,
}
