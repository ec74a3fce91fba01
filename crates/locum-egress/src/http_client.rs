//! The HTTP client.

use std::error::Error as _;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, Identity, Response, redirect, retry};
use url::{Host, Url};

use crate::public_address::{Lookup, PublicResolver, SystemLookup, is_public};

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Most headers of an answer.
const HEADERS_MAX: usize = 64;

/// Sends requests over HTTP and HTTPS, and reads answers of a bounded size. Needs a tokio runtime with I/O and time.
///
/// It follows no redirects, repeats nothing, and ignores the environment: `HTTPS_PROXY` and similar variables have no effect.
#[derive(Debug, Clone)]
pub struct HttpClient {
    /// Connects to public addresses only.
    public: Client,
    unrestricted: Client,
}

/// How a client and its servers authenticate in TLS, where not as usual.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    authorities: Option<Vec<Certificate>>,
    identity: Option<Identity>,
}

/// A request.
#[derive(Debug, Clone)]
pub struct HttpRequest<'a> {
    /// The method.
    pub method: HttpMethod,
    /// The body; empty if there is none.
    pub body: &'a [u8],
    /// The URL.
    pub url: &'a Url,
    /// Names and values of headers.
    pub headers: &'a [(String, String)],
    /// The addresses that it may be sent to.
    pub addresses: Addresses,
    /// The largest body of an answer, in bytes.
    pub answer_bytes_max: usize,
}

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpMethod {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

impl HttpMethod {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// The method as HTTP spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// The method that HTTP spells so.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }
}

impl From<HttpMethod> for reqwest::Method {
    fn from(method: HttpMethod) -> Self {
        match method {
            HttpMethod::Get => Self::GET,
            HttpMethod::Post => Self::POST,
            HttpMethod::Put => Self::PUT,
            HttpMethod::Patch => Self::PATCH,
            HttpMethod::Delete => Self::DELETE,
        }
    }
}

/// The addresses that a request may be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addresses {
    /// Those of the public internet, over HTTPS.
    Public,
    /// All.
    Any,
}

/// The answer to a request, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values. Those that are not text are left out.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Tls {
    /// Trusts the certificates of these authorities (PEM), and no others.
    ///
    /// # Errors
    /// The text has no certificate.
    pub fn authorities(mut self, pem: &str) -> Result<Self, HttpError> {
        let certificates = Certificate::from_pem_bundle(pem.as_bytes()).ok();
        let certificates = certificates.filter(|certificates| !certificates.is_empty());
        self.authorities =
            Some(certificates.ok_or_else(|| HttpError::Tls("there is no certificate in PEM".to_owned()))?);
        Ok(self)
    }

    /// Authenticates by this certificate: PEM of the certificate, of those that lead to its authority, and of its private key.
    ///
    /// # Errors
    /// The text has no certificate, or no private key.
    pub fn identity(mut self, pem: &str) -> Result<Self, HttpError> {
        let identity = Identity::from_pem(pem.as_bytes());
        let none = "expected a certificate and its private key, unencrypted, in PEM";
        self.identity = Some(identity.map_err(|_| HttpError::Tls(none.to_owned()))?);
        Ok(self)
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The server cannot be reached, or its answer cannot be used. The text names its origin, and contains no path, query or
    /// body; what the server sent may be in it, so it is not safe for terminals.
    #[error("{0}")]
    Unreachable(String),
    /// TLS cannot be set up like this.
    #[error("{0}")]
    Tls(String),
    /// Connecting, or what the system does for that, took too long.
    #[error("no answer in time")]
    TimedOut,
}

impl HttpClient {
    /// A client that trusts the certificates that the system does.
    ///
    /// # Errors
    /// If TLS cannot be set up, for example because no root certificates are installed.
    pub fn new() -> Result<Self, HttpError> {
        Self::build(SystemLookup, |builder| builder)
    }

    /// A client that authenticates itself and servers like this.
    ///
    /// # Errors
    /// The private key is not that of the certificate, or TLS cannot be set up.
    pub fn with_tls(tls: &Tls) -> Result<Self, HttpError> {
        Self::build(SystemLookup, |mut builder| {
            if let Some(authorities) = &tls.authorities {
                builder = builder.tls_certs_only(authorities.clone());
            }
            match &tls.identity {
                Some(identity) => builder.identity(identity.clone()),
                None => builder,
            }
        })
    }

    /// A client that finds addresses by this look-up.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_lookup(lookup: impl Lookup) -> Result<Self, HttpError> {
        Self::build(lookup, |builder| builder)
    }

    fn build(lookup: impl Lookup, trust: impl Fn(ClientBuilder) -> ClientBuilder) -> Result<Self, HttpError> {
        let built = |builder: ClientBuilder| {
            trust(builder)
                .build()
                .map_err(|error| HttpError::Tls(format!("TLS cannot be set up{}", causes(&error))))
        };
        Ok(Self {
            public: built(builder().https_only(true).dns_resolver(PublicResolver(lookup)))?,
            unrestricted: built(builder())?,
        })
    }

    /// Sends a request.
    ///
    /// # Errors
    /// There is no answer, it is a redirect, or it is too large.
    pub async fn send(&self, request: HttpRequest<'_>) -> Result<HttpAnswer, HttpError> {
        let HttpRequest { method, body, url, headers, addresses, answer_bytes_max } = request;
        let origin = url.origin().ascii_serialization();
        let client = match addresses {
            // The client asks the resolver for names only.
            Addresses::Public if literal_address(url).is_some_and(|address| !is_public(address)) => {
                return Err(unusable(&origin, format_args!("is not a public address")));
            }
            Addresses::Public => &self.public,
            Addresses::Any => &self.unrestricted,
        };
        let mut sent = client.request(method.into(), url.clone());
        // With a body, even an empty one, a request states its length; GET has none.
        if method != HttpMethod::Get {
            sent = sent.body(body.to_vec());
        }
        for (name, value) in headers {
            sent = sent.header(name, value);
        }
        let response = sent.send().await.map_err(|error| failed(&origin, &error))?;
        read(response, &origin, answer_bytes_max).await
    }
}

fn builder() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("locum/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(redirect::Policy::none())
        // Repeating a request may not be safe.
        .retry(retry::never())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .http1_max_headers(HEADERS_MAX)
}

fn literal_address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}

async fn read(mut response: Response, origin: &str, bytes_max: usize) -> Result<HttpAnswer, HttpError> {
    let status = response.status();
    if status.is_redirection() && status != reqwest::StatusCode::NOT_MODIFIED {
        return Err(unusable(origin, format_args!("answered {status}, and redirects are not followed")));
    }
    let headers = response
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(origin, &error))? {
        if body.len() + chunk.len() > bytes_max {
            return Err(unusable(origin, format_args!("answered with more than {} KiB", bytes_max >> 10)));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(HttpAnswer { status: status.as_u16(), headers, body })
}

fn failed(origin: &str, error: &reqwest::Error) -> HttpError {
    if error.is_timeout() { HttpError::TimedOut } else { unreachable(origin, error) }
}

fn unreachable(origin: &str, error: &reqwest::Error) -> HttpError {
    unusable(origin, format_args!("cannot be reached{}", causes(error)))
}

/// The causes of an error without its own text, which contains the whole URL.
fn causes(error: &reqwest::Error) -> String {
    let mut causes = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a String does not fail.
        let _ = write!(causes, ": {error}");
        cause = error.source();
    }
    causes
}

fn unusable(origin: &str, what: std::fmt::Arguments<'_>) -> HttpError {
    HttpError::Unreachable(format!("{origin} {what}"))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::net::SocketAddr;
    use std::sync::Mutex;

    use reqwest::dns::{Name, Resolve as _};

    use super::*;
    use crate::public_address::FoundAddresses;

    /// A name server that answers from a script.
    struct ScriptedLookup(Mutex<VecDeque<Vec<IpAddr>>>);

    impl ScriptedLookup {
        fn of(answers: &[&[&str]]) -> Self {
            let addresses = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
            Self(Mutex::new(answers.iter().map(addresses).collect()))
        }
    }

    impl Lookup for ScriptedLookup {
        fn addresses(&self, _: &str) -> FoundAddresses {
            let answer = self.0.lock().unwrap().pop_front().unwrap_or_default();
            Box::pin(
                async move { Ok(answer.into_iter().map(|address| SocketAddr::new(address, 0)).collect()) },
            )
        }
    }

    async fn refusal(client: &HttpClient, url: &str) -> String {
        let url = Url::parse(url).unwrap();
        let request = HttpRequest {
            method: HttpMethod::Get,
            body: b"",
            url: &url,
            headers: &[],
            addresses: Addresses::Public,
            answer_bytes_max: 1024,
        };
        client.send(request).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn a_public_name_at_a_private_address_is_not_connected_to() {
        for answer in [&["127.0.0.1"][..], &["10.0.0.1", "169.254.169.254"], &["::1"], &["::ffff:127.0.0.1"]]
        {
            let client = HttpClient::with_lookup(ScriptedLookup::of(&[answer])).unwrap();
            let why = refusal(&client, "https://login.example.com/").await;
            assert!(why.ends_with("the name has no public address"), "{answer:?}: {why}");
        }
    }

    #[tokio::test]
    async fn a_private_address_without_a_name_is_not_connected_to() {
        let client = HttpClient::with_lookup(ScriptedLookup::of(&[])).unwrap();
        for host in ["127.0.0.1", "[::1]", "169.254.169.254", "2130706433", "0x7f.1"] {
            let why = refusal(&client, &format!("https://{host}/")).await;
            assert!(why.ends_with("is not a public address"), "{host}: {why}");
        }
        let why = refusal(&client, "http://login.example.com/").await;
        assert!(why.contains("cannot be reached"), "{why}");
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

    #[test]
    fn authorities_are_certificates() {
        let certificate = include_str!("../../../fixtures/keys/tenant-rsa.cert.pem");
        assert!(HttpClient::with_tls(&Tls::default().authorities(certificate).unwrap()).is_ok());
        for text in ["", "hunter2", include_str!("../../../fixtures/keys/tenant-rsa.pub.pem")] {
            let refused = Tls::default().authorities(text).unwrap_err();
            assert_eq!(refused.to_string(), "there is no certificate in PEM");
        }
    }

    #[test]
    fn an_identity_is_a_certificate_and_its_own_private_key() {
        let certificate = include_str!("../../../fixtures/keys/tenant-rsa.cert.pem");
        let key = include_str!("../../../fixtures/keys/tenant-rsa.pem");
        let with = |pem: &str| HttpClient::with_tls(&Tls::default().identity(pem)?);
        for pem in [format!("{certificate}{key}"), format!("{key}\n{certificate}")] {
            assert!(with(&pem).is_ok());
        }
        for incomplete in ["", certificate, key, "hunter2"] {
            let refused = with(incomplete).unwrap_err().to_string();
            assert_eq!(refused, "expected a certificate and its private key, unencrypted, in PEM");
        }
        let other = include_str!("../../../fixtures/keys/worker.pem");
        let refused = with(&format!("{certificate}{other}")).unwrap_err().to_string();
        assert_eq!(refused, "TLS cannot be set up: keys may not be consistent: KeyMismatch");
    }
}
