//! Performs upstream calls by HTTP.

use locum_abi::upstream::UpstreamReply;
use locum_egress::{Addresses, HttpAnswer, HttpClient, HttpError, HttpRequest};
use locum_engine::ports::PortFuture;
use locum_engine::printable;
use tokio::time::{Instant, timeout_at};

use crate::egress::allowed_upstreams::{AddressScope, AllowedRequest};
use crate::egress::upstreams::{UpstreamError, Upstreams};
use crate::limits::UPSTREAM_REPLY_BYTES_MAX;

/// Performs upstream calls by HTTP and HTTPS, without redirects, proxies, cookies and compression. Needs a tokio runtime with
/// I/O and time.
///
/// It ignores the environment: `HTTPS_PROXY` and similar variables have no effect.
#[derive(Debug, Clone)]
pub struct HttpUpstreams(HttpClient);

impl HttpUpstreams {
    /// Sets up the HTTP clients.
    ///
    /// # Errors
    /// If TLS cannot be set up, for example because no root certificates are installed.
    pub fn new() -> Result<Self, UpstreamError> {
        HttpClient::new().map(Self).map_err(failed)
    }
}

impl Upstreams for HttpUpstreams {
    fn send(
        &self,
        request: AllowedRequest,
        deadline: Instant,
    ) -> PortFuture<'_, Result<UpstreamReply, UpstreamError>> {
        Box::pin(async move {
            let http = request.http_client().unwrap_or(&self.0);
            let sent = HttpRequest {
                method: request.method(),
                body: request.content(),
                url: request.url(),
                headers: request.headers(),
                addresses: match request.address_scope() {
                    AddressScope::Public => Addresses::Public,
                    AddressScope::Any => Addresses::Any,
                },
                answer_bytes_max: UPSTREAM_REPLY_BYTES_MAX,
            };
            let answer = timeout_at(deadline, http.send(sent)).await.unwrap_or(Err(HttpError::TimedOut));
            let HttpAnswer { status, headers, body } = answer.map_err(failed)?;
            let mut reply = UpstreamReply::of_bytes(status, body);
            reply.headers = headers;
            Ok(reply)
        })
    }
}

fn failed(error: HttpError) -> UpstreamError {
    match error {
        HttpError::Unreachable(why) | HttpError::Tls(why) => UpstreamError::Unreachable(printable(&why, 300)),
        HttpError::TimedOut => UpstreamError::TimedOut,
    }
}
