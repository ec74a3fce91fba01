//! Checks upstream requests: an issuer may call only the hosts that its manifest declares.

use std::fmt;

use locum_abi::answer::Failure;
use locum_abi::manifest::{IssuerManifest, Upstream, UpstreamOrigin};
use locum_abi::upstream::{BodyEncoding, UpstreamRequest};
use locum_egress::{HttpClient, HttpMethod};
use locum_engine::printable;
use serde_json::{Map, Value};
use url::{Host, Origin, Url};

use crate::egress::header_pattern::{HeaderPattern, is_allowed};
use crate::egress::host_pattern::HostPattern;
use crate::egress::upstream_tls;
use crate::limits::UPSTREAM_REQUEST_BYTES_MAX;

/// The methods of requests to an upstream for which the manifest declares none.
const USUAL_METHODS: [HttpMethod; 2] = [HttpMethod::Get, HttpMethod::Post];

/// The upstreams that a configured issuer may call.
#[derive(Debug, Clone)]
pub struct AllowedUpstreams(Vec<AllowedUpstream>);

/// One of them, and what its requests may be.
#[derive(Debug, Clone)]
struct AllowedUpstream {
    place: Place,
    methods: Vec<HttpMethod>,
    headers: Vec<HeaderPattern>,
    binary_bodies: bool,
    /// The client that authenticates as the settings say; `None` if they say nothing about that.
    http: Option<HttpClient>,
}

#[derive(Debug, Clone)]
enum Place {
    Host(HostPattern),
    Origin(Origin),
}

/// An allowed request. Only [`AllowedUpstreams::check`] makes one.
#[derive(Clone)]
pub struct AllowedRequest {
    method: HttpMethod,
    url: Url,
    headers: Vec<(String, String)>,
    body: String,
    /// The bytes of the body, if it is written in an encoding.
    decoded: Option<Vec<u8>>,
    binary_bodies: bool,
    scope: AddressScope,
    declared_origin: String,
    http: Option<HttpClient>,
}

/// The addresses to which a request's host name may resolve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressScope {
    /// Addresses of the public internet, because the plugin's author chose the host.
    Public,
    /// Any address, because the operator chose the origin in the settings and may mean a host of the internal network.
    Any,
}

/// Why a request is refused. The issuer is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DisallowedRequest {
    /// The manifest declares other methods for this upstream, or none, which stands for `GET` and `POST`.
    #[error("it called by {0}, which its manifest does not declare for this upstream")]
    MethodNotAllowed(String),
    /// The URL cannot be parsed, or parsers could disagree about it.
    #[error("the URL must be absolute, without blanks, user info and fragment")]
    AmbiguousUrl,
    /// The manifest does not declare this origin.
    #[error("it called {0}, which its manifest does not declare")]
    UndeclaredOrigin(String),
    /// The manifest does not declare this header for this upstream, no issuer may set it, or it is set twice.
    #[error("the header {0} is not declared for this upstream, or is set twice")]
    HeaderNotAllowed(String),
    /// The value of this header contains other characters than visible ASCII and spaces.
    #[error("the value of the header {0} is not visible ASCII")]
    HeaderValueNotAscii(String),
    /// The manifest does not declare binary bodies for this upstream, or the body is not in base64.
    #[error("the encoding of the body is not declared for this upstream, or the body is not in it")]
    EncodingNotAllowed,
    /// The body exceeds [`UPSTREAM_REQUEST_BYTES_MAX`], or the method is `GET`.
    #[error("the body is too large, or not allowed with GET")]
    BodyNotAllowed,
}

impl AllowedUpstreams {
    /// The upstreams that the manifest declares, with the origins in these stored settings. Parameters of a request have no
    /// influence. Takes the settings for TLS out.
    ///
    /// # Errors
    /// A setting for the URL of an upstream, or for TLS, contains something else.
    pub fn take(manifest: &IssuerManifest, settings: &mut Map<String, Value>) -> Result<Self, Failure> {
        let mut allowed = Vec::with_capacity(manifest.upstreams.len());
        for upstream in &manifest.upstreams {
            let Some(place) = Place::of(&upstream.origin, settings)? else { continue };
            let http = upstream_tls::client(upstream, settings)?;
            if let (Some(_), UpstreamOrigin::Setting { setting }) = (&http, &upstream.origin)
                && !place.is_https()
            {
                return Err(Failure::setting(setting, "expected an https URL: other settings are for TLS"));
            }
            allowed.push(AllowedUpstream::new(place, upstream, http));
        }
        upstream_tls::withhold(manifest, settings);
        // What an operator chose goes before what an author declared: it may lead to addresses of the internal network.
        allowed.sort_by_key(|upstream| matches!(upstream.place, Place::Host(_)));
        Ok(Self(allowed))
    }

    /// Checks a request.
    ///
    /// # Errors
    /// The rule that the request breaks.
    pub fn check(&self, request: UpstreamRequest) -> Result<AllowedRequest, DisallowedRequest> {
        let url = parse(&request.url)?;
        let mut broken = None;
        for upstream in self.0.iter().filter(|upstream| upstream.place.contains(&url)) {
            match upstream.check(&request) {
                Ok((method, decoded)) => {
                    let (scope, declared_origin) = upstream.place.declared();
                    let UpstreamRequest { headers, body, .. } = request;
                    let binary_bodies = upstream.binary_bodies;
                    let http = upstream.http.clone();
                    return Ok(AllowedRequest {
                        method,
                        url,
                        headers,
                        body,
                        decoded,
                        binary_bodies,
                        scope,
                        declared_origin,
                        http,
                    });
                }
                Err(rule) => broken = broken.or(Some(rule)),
            }
        }
        Err(broken.unwrap_or_else(|| DisallowedRequest::UndeclaredOrigin(loggable(&url))))
    }
}

impl AllowedUpstream {
    fn new(place: Place, declared: &Upstream, http: Option<HttpClient>) -> Self {
        let methods = declared.methods.iter().filter_map(|name| HttpMethod::from_name(name)).collect();
        let headers = declared.headers.iter().filter_map(|name| HeaderPattern::parse(name).ok()).collect();
        Self { place, methods, headers, binary_bodies: declared.binary_bodies, http }
    }

    /// The method of a request to this upstream and the bytes of an encoded body, if the request is allowed.
    fn check(&self, request: &UpstreamRequest) -> Result<(HttpMethod, Option<Vec<u8>>), DisallowedRequest> {
        let methods = if self.methods.is_empty() { USUAL_METHODS.as_slice() } else { &self.methods };
        let method = methods.iter().copied().find(|method| method.as_str() == request.method);
        let method =
            method.ok_or_else(|| DisallowedRequest::MethodNotAllowed(printable(&request.method, 16)))?;
        check_headers(&request.headers, &self.headers)?;
        let body_bytes_max = if method == HttpMethod::Get { 0 } else { UPSTREAM_REQUEST_BYTES_MAX };
        let decoded = match request.body_encoding {
            Some(_) if !self.binary_bodies => return Err(DisallowedRequest::EncodingNotAllowed),
            Some(_) => Some(request.bytes().ok_or(DisallowedRequest::EncodingNotAllowed)?.into_owned()),
            None => None,
        };
        let length = decoded.as_ref().map_or(request.body.len(), Vec::len);
        if length > body_bytes_max {
            return Err(DisallowedRequest::BodyNotAllowed);
        }
        Ok((method, decoded))
    }
}

impl Place {
    /// Where an upstream is, if that is known.
    fn of(declared: &UpstreamOrigin, settings: &Map<String, Value>) -> Result<Option<Self>, Failure> {
        match declared {
            UpstreamOrigin::Host { host } => Ok(HostPattern::parse(host).ok().map(Self::Host)),
            UpstreamOrigin::Setting { setting } => match settings.get(setting) {
                None | Some(Value::Null) => Ok(None),
                Some(value) => origin_of(value).map(|origin| Some(Self::Origin(origin))).ok_or_else(|| {
                    Failure::setting(setting, "expected an http or https URL without user info")
                }),
            },
            UpstreamOrigin::Unknown => Ok(None),
        }
    }

    fn is_https(&self) -> bool {
        match self {
            Self::Host(_) => true,
            Self::Origin(origin) => matches!(origin, Origin::Tuple(scheme, ..) if scheme == "https"),
        }
    }

    fn contains(&self, url: &Url) -> bool {
        match self {
            Self::Origin(origin) => *origin == url.origin(),
            Self::Host(pattern) => {
                let domain = match url.host() {
                    Some(Host::Domain(domain)) => Some(domain),
                    _ => None,
                };
                url.scheme() == "https"
                    && url.port().is_none()
                    && domain.is_some_and(|domain| pattern.matches(domain))
            }
        }
    }

    /// Where requests may lead, and the declaration that allows them, as an origin.
    fn declared(&self) -> (AddressScope, String) {
        match self {
            Self::Origin(origin) => (AddressScope::Any, origin.ascii_serialization()),
            Self::Host(pattern) => (AddressScope::Public, format!("https://{pattern}")),
        }
    }
}

/// The origin of the URL in a setting's value.
fn origin_of(value: &Value) -> Option<Origin> {
    let url = parse(value.as_str()?).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.origin())
}

/// Parses a URL about which parsers cannot disagree. The parser alone would drop blanks and convert backslashes.
fn parse(text: &str) -> Result<Url, DisallowedRequest> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return Err(DisallowedRequest::AmbiguousUrl);
    }
    let url = Url::parse(text).map_err(|_| DisallowedRequest::AmbiguousUrl)?;
    let authority =
        text.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(""));
    if !url.has_host() || authority.is_empty() || authority.contains('@') || url.fragment().is_some() {
        return Err(DisallowedRequest::AmbiguousUrl);
    }
    Ok(url)
}

fn check_headers(headers: &[(String, String)], declared: &[HeaderPattern]) -> Result<(), DisallowedRequest> {
    for (at, (name, value)) in headers.iter().enumerate() {
        let twice = headers.iter().take(at).any(|(earlier, _)| earlier.eq_ignore_ascii_case(name));
        if twice || !is_allowed(&name.to_ascii_lowercase(), declared) {
            return Err(DisallowedRequest::HeaderNotAllowed(printable(name, 64)));
        }
        if !value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            return Err(DisallowedRequest::HeaderValueNotAscii(name.to_ascii_lowercase()));
        }
    }
    Ok(())
}

/// The part of a URL that may be logged: paths and queries may contain credentials.
fn loggable(url: &Url) -> String {
    printable(&url.origin().ascii_serialization(), 256)
}

impl AllowedRequest {
    /// The method.
    pub fn method(&self) -> HttpMethod {
        self.method
    }

    /// The URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The headers, in the issuer's order and spelling.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The body as the issuer wrote it; empty if there is none.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The bytes of the body.
    pub fn content(&self) -> &[u8] {
        self.decoded.as_deref().unwrap_or(self.body.as_bytes())
    }

    /// How [`body`](Self::body) is written, if not as the text that it is.
    pub fn body_encoding(&self) -> Option<BodyEncoding> {
        self.decoded.as_ref().map(|_| BodyEncoding::Base64)
    }

    /// Whether the issuer can be given a reply that is not UTF-8.
    pub fn binary_bodies(&self) -> bool {
        self.binary_bodies
    }

    /// The origin as the manifest or the settings declare it; where the manifest has a pattern, with the pattern.
    pub fn declared_origin(&self) -> &str {
        &self.declared_origin
    }

    /// The client that authenticates itself and the upstream as the settings say; `None` where they say nothing about that.
    pub fn http_client(&self) -> Option<&HttpClient> {
        self.http.as_ref()
    }

    /// The addresses to which the host name may resolve.
    pub fn address_scope(&self) -> AddressScope {
        self.scope
    }
}

/// Equal requests ask the same. What else they have follows from the settings.
impl PartialEq for AllowedRequest {
    fn eq(&self, other: &Self) -> bool {
        self.method == other.method
            && self.url == other.url
            && self.headers == other.headers
            && self.content() == other.content()
    }
}

// Body and headers contain assertions and passwords, and the query may.
impl fmt::Debug for AllowedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method.as_str(), loggable(&self.url))
    }
}

#[cfg(test)]
mod tests;
