//! Performs upstream calls by HTTP with reqwest, without redirects, proxies, cookies and compression.

use std::error::Error as _;
use std::fmt::Write as _;

use locum_abi::upstream::UpstreamReply;
use locum_engine::ports::PortFuture;
use reqwest::{Client, ClientBuilder, Response, redirect, retry};
use tokio::time::{Instant, timeout_at};

use crate::egress::allowed_upstreams::{AddressScope, AllowedRequest, UpstreamMethod};
use crate::egress::public_address::{Lookup, PublicResolver, SystemLookup};
use crate::egress::upstreams::{UpstreamError, Upstreams};
use crate::limits::{UPSTREAM_CONNECT_TIMEOUT, UPSTREAM_REPLY_BYTES_MAX, UPSTREAM_REPLY_HEADERS_MAX};
use crate::sanitize::sanitized;

/// Performs upstream calls by HTTP and HTTPS. Needs a tokio runtime with I/O and time.
///
/// It ignores the environment: `HTTPS_PROXY` and similar variables have no effect.
#[derive(Debug, Clone)]
pub struct HttpUpstreams {
    /// Connects to public addresses only.
    public: Client,
    unrestricted: Client,
}

impl HttpUpstreams {
    /// Sets up the HTTP clients.
    ///
    /// # Errors
    /// If TLS cannot be set up, for example because no root certificates are installed.
    pub fn new() -> Result<Self, UpstreamError> {
        Self::with_lookup(SystemLookup)
    }

    fn with_lookup(lookup: impl Lookup) -> Result<Self, UpstreamError> {
        let built = |builder: ClientBuilder| builder.build().map_err(|error| unreachable("TLS", &error));
        Ok(Self {
            public: built(builder().https_only(true).dns_resolver(PublicResolver(lookup)))?,
            unrestricted: built(builder())?,
        })
    }

    async fn exchange(&self, request: AllowedRequest, origin: &str) -> Result<UpstreamReply, UpstreamError> {
        let client = match request.address_scope() {
            AddressScope::Public => &self.public,
            AddressScope::Any => &self.unrestricted,
        };
        let mut sent = match request.method() {
            UpstreamMethod::Get => client.get(request.url().clone()),
            UpstreamMethod::Post => client.post(request.url().clone()).body(request.body().to_owned()),
        };
        for (name, value) in request.headers() {
            sent = sent.header(name, value);
        }
        read(sent.send().await.map_err(|error| failed(origin, &error))?, origin).await
    }
}

impl Upstreams for HttpUpstreams {
    fn send(
        &self,
        request: AllowedRequest,
        deadline: Instant,
    ) -> PortFuture<'_, Result<UpstreamReply, UpstreamError>> {
        Box::pin(async move {
            let origin = request.url().origin().ascii_serialization();
            timeout_at(deadline, self.exchange(request, &origin))
                .await
                .unwrap_or(Err(UpstreamError::TimedOut))
        })
    }
}

fn builder() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("locum/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(redirect::Policy::none())
        // Repeating a call may not be safe.
        .retry(retry::never())
        .referer(false)
        .connect_timeout(UPSTREAM_CONNECT_TIMEOUT)
        .http1_max_headers(UPSTREAM_REPLY_HEADERS_MAX)
}

async fn read(mut response: Response, origin: &str) -> Result<UpstreamReply, UpstreamError> {
    let status = response.status();
    if status.is_redirection() {
        return Err(unusable(origin, format_args!("answered {status}, and redirects are not followed")));
    }
    let headers = response
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(origin, &error))? {
        if body.len() + chunk.len() > UPSTREAM_REPLY_BYTES_MAX {
            let limit = UPSTREAM_REPLY_BYTES_MAX >> 10;
            return Err(unusable(origin, format_args!("answered with more than {limit} KiB")));
        }
        body.extend_from_slice(&chunk);
    }
    let body = String::from_utf8(body)
        .map_err(|_| unusable(origin, format_args!("answered with a body that is not UTF-8")))?;
    let mut reply = UpstreamReply::new(status.as_u16(), body);
    reply.headers = headers;
    Ok(reply)
}

fn failed(origin: &str, error: &reqwest::Error) -> UpstreamError {
    if error.is_timeout() { UpstreamError::TimedOut } else { unreachable(origin, error) }
}

/// Reports the causes of the error, but not its own text, which contains the whole URL.
fn unreachable(origin: &str, error: &reqwest::Error) -> UpstreamError {
    let mut causes = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a String does not fail.
        let _ = write!(causes, ": {error}");
        cause = error.source();
    }
    unusable(origin, format_args!("cannot be reached{causes}"))
}

fn unusable(origin: &str, what: std::fmt::Arguments<'_>) -> UpstreamError {
    UpstreamError::Unreachable(sanitized(&format!("{origin} {what}"), 300))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::io;
    use std::net::{IpAddr, SocketAddr};
    use std::sync::Mutex;
    use std::time::Duration;

    use locum_abi::upstream::UpstreamRequest;
    use reqwest::dns::{Name, Resolve as _};
    use serde_json::{Map, json};

    use super::*;
    use crate::egress::allowed_upstreams::AllowedUpstreams;

    /// A name server that answers from a script.
    struct ScriptedLookup(Mutex<VecDeque<Vec<IpAddr>>>);

    impl ScriptedLookup {
        fn of(answers: &[&[&str]]) -> Self {
            let addresses = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
            Self(Mutex::new(answers.iter().map(addresses).collect()))
        }
    }

    impl Lookup for ScriptedLookup {
        fn addresses(&self, _: &str) -> PortFuture<'static, io::Result<Vec<SocketAddr>>> {
            let answer = self.0.lock().unwrap().pop_front().unwrap_or_default();
            Box::pin(
                async move { Ok(answer.into_iter().map(|address| SocketAddr::new(address, 0)).collect()) },
            )
        }
    }

    fn request() -> AllowedRequest {
        let manifest = serde_json::from_value(json!({
            "api_type": "a", "credential": {"form": "jwt"}, "settings_schema": {}, "parameters_schema": {},
            "lifetime": {"minimum_seconds": 1, "default_seconds": 1, "maximum_seconds": 1},
            "revocation": "not_revocable", "revocation_advice": "Wait.",
            "upstreams": [{"kind": "host", "host": "login.example.com"}],
        }));
        let allowed = AllowedUpstreams::from_manifest(&manifest.unwrap(), &Map::new()).unwrap();
        let (method, url) = ("GET".to_owned(), "https://login.example.com/".to_owned());
        allowed.check(UpstreamRequest::new(method, url)).unwrap()
    }

    #[tokio::test]
    async fn a_declared_host_at_a_private_address_is_not_connected_to() {
        for answer in [&["127.0.0.1"][..], &["10.0.0.1", "169.254.169.254"], &["::1"], &["::ffff:127.0.0.1"]]
        {
            let upstreams = HttpUpstreams::with_lookup(ScriptedLookup::of(&[answer])).unwrap();
            match upstreams.send(request(), Instant::now() + Duration::from_secs(60)).await {
                Err(UpstreamError::Unreachable(why)) => {
                    assert!(why.ends_with("the name has no public address"), "{answer:?}: {why}");
                }
                other => panic!("{answer:?}: {other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_name_that_had_a_public_address_is_checked_again() {
        let answers: [&[&str]; 3] = [&["93.184.216.34"], &["127.0.0.1"], &["10.0.0.1", "93.184.216.34"]];
        let resolver = PublicResolver(ScriptedLookup::of(&answers));
        let name = || "login.example.com".parse::<Name>().unwrap();
        let public = ["93.184.216.34:0".parse::<SocketAddr>().unwrap()];
        assert_eq!(resolver.resolve(name()).await.unwrap().collect::<Vec<_>>(), public);
        let rebound = resolver.resolve(name()).await.err().unwrap();
        assert_eq!(rebound.to_string(), "the name has no public address");
        // Of a mixed answer only the public address is used.
        assert_eq!(resolver.resolve(name()).await.unwrap().collect::<Vec<_>>(), public);
    }
}
