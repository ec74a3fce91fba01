//! Which upstream requests an issuer may make: those to the hosts that its manifest declares, and no other.

use std::fmt;

use locum_abi::manifest::{IssuerManifest, Upstream};
use locum_abi::upstream::UpstreamRequest;
use serde_json::{Map, Value};
use url::{Host, Origin, Url};

use crate::limits::UPSTREAM_REQUEST_BYTES_MAX;

/// The headers that an issuer may set.
const HEADERS: [&str; 3] = ["accept", "authorization", "content-type"];

/// What a ready issuer may call.
#[derive(Debug, Clone)]
pub struct AllowedUpstreams {
    hosts: Vec<HostPattern>,
    origins: Vec<Origin>,
}

/// A request that was found to be allowed. There is no other way to one than [`AllowedUpstreams::check`].
#[derive(Clone)]
pub struct AllowedRequest {
    method: UpstreamMethod,
    url: Url,
    headers: Vec<(String, String)>,
    body: String,
    scope: AddressScope,
}

/// The methods that an issuer may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamMethod {
    /// `GET`
    Get,
    /// `POST`
    Post,
}

/// Where a request may go, once its name is an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressScope {
    /// To addresses of the public internet: the plugin's author named the host.
    Public,
    /// Anywhere: the operator named the origin in the settings, and may mean a host of the inner network.
    Any,
}

/// Why a request is not made. It is the issuer's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DisallowedRequest {
    /// The method is neither `GET` nor `POST`.
    #[error("the method must be GET or POST")]
    MethodNotAllowed,
    /// The URL cannot be read, or can be read in two ways.
    #[error("the URL is not an absolute one without blanks, user info and fragment")]
    AmbiguousUrl,
    /// The manifest does not declare it.
    #[error("it called {0}, which its manifest does not declare")]
    UndeclaredOrigin(String),
    /// A header that issuers may not set, or one twice.
    #[error("it may not set this header, or not twice: {0}")]
    HeaderNotAllowed(String),
    /// A header's value that would break the request.
    #[error("the value of the header {0} is not visible ASCII")]
    HeaderValueNotAscii(String),
    /// More body than issuers may send, or one with `GET`.
    #[error("the body is too large, or stands in a GET")]
    BodyNotAllowed,
}

impl AllowedUpstreams {
    /// What the manifest declares, with these stored settings. Request parameters play no part.
    ///
    /// # Errors
    /// The name of a setting that should hold the URL of an upstream and does not.
    pub fn from_manifest(manifest: &IssuerManifest, settings: &Map<String, Value>) -> Result<Self, String> {
        let mut allowed = Self { hosts: Vec::new(), origins: Vec::new() };
        for upstream in &manifest.upstreams {
            match upstream {
                Upstream::Host { host } => allowed.hosts.extend(HostPattern::parse(host).ok()),
                Upstream::Setting { setting } => match settings.get(setting) {
                    None | Some(Value::Null) => {}
                    Some(value) => allowed.origins.push(origin_of(value).ok_or_else(|| setting.clone())?),
                },
                Upstream::Unknown => {}
            }
        }
        Ok(allowed)
    }

    /// The request, if it may be made.
    ///
    /// # Errors
    /// Which rule it breaks.
    pub fn check(&self, request: UpstreamRequest) -> Result<AllowedRequest, DisallowedRequest> {
        let method = match request.method.as_str() {
            "GET" => UpstreamMethod::Get,
            "POST" => UpstreamMethod::Post,
            _ => return Err(DisallowedRequest::MethodNotAllowed),
        };
        let url = parse(&request.url)?;
        let scope = self.scope(&url).ok_or_else(|| DisallowedRequest::UndeclaredOrigin(shown(&url)))?;
        check_headers(&request.headers)?;
        if request.body.len() > UPSTREAM_REQUEST_BYTES_MAX
            || (method == UpstreamMethod::Get && !request.body.is_empty())
        {
            return Err(DisallowedRequest::BodyNotAllowed);
        }
        Ok(AllowedRequest { method, url, headers: request.headers, body: request.body, scope })
    }

    fn scope(&self, url: &Url) -> Option<AddressScope> {
        if self.origins.contains(&url.origin()) {
            return Some(AddressScope::Any);
        }
        match url.host() {
            Some(Host::Domain(domain))
                if url.scheme() == "https"
                    && url.port().is_none()
                    && self.hosts.iter().any(|pattern| pattern.matches(domain)) =>
            {
                Some(AddressScope::Public)
            }
            _ => None,
        }
    }
}

/// The origin of a URL in a setting.
fn origin_of(value: &Value) -> Option<Origin> {
    let url = parse(value.as_str()?).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.origin())
}

/// Reads a URL that can be read in one way only. The parser would silently drop blanks and turn backslashes.
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

fn check_headers(headers: &[(String, String)]) -> Result<(), DisallowedRequest> {
    for (at, (name, value)) in headers.iter().enumerate() {
        let twice = headers.iter().take(at).any(|(earlier, _)| earlier.eq_ignore_ascii_case(name));
        if twice || !HEADERS.iter().any(|allowed| allowed.eq_ignore_ascii_case(name)) {
            return Err(DisallowedRequest::HeaderNotAllowed(crate::sanitize::sanitized(name, 64)));
        }
        if !value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            return Err(DisallowedRequest::HeaderValueNotAscii(name.to_ascii_lowercase()));
        }
    }
    Ok(())
}

/// As much of a URL as may stand in a log: paths and queries may carry credentials.
fn shown(url: &Url) -> String {
    crate::sanitize::sanitized(&url.origin().ascii_serialization(), 256)
}

impl AllowedRequest {
    /// `GET` or `POST`.
    pub fn method(&self) -> UpstreamMethod {
        self.method
    }

    /// The URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The headers in the order of the issuer, names in its spelling.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The body, empty for none.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Where it may go.
    pub fn address_scope(&self) -> AddressScope {
        self.scope
    }
}

impl UpstreamMethod {
    /// The method as requests spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

// The body and the headers carry assertions and passwords, the query may.
impl fmt::Debug for AllowedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method.as_str(), shown(&self.url))
    }
}

/// A host name in which `*` stands for exactly one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostPattern(String);

impl HostPattern {
    /// A pattern: lower-case labels, the last two of them literal, so that it cannot mean half the internet.
    pub(crate) fn parse(pattern: &str) -> Result<Self, String> {
        let labels: Vec<&str> = pattern.split('.').collect();
        let literal = |label: &str| !label.is_empty() && label.bytes().all(is_label_byte);
        let well_formed = labels.len() >= 2
            && labels.iter().all(|label| *label == "*" || literal(label))
            && labels.iter().rev().take(2).all(|label| literal(label))
            && labels.last().is_some_and(|label| label.bytes().any(|byte| byte.is_ascii_lowercase()));
        if well_formed {
            Ok(Self(pattern.to_owned()))
        } else {
            Err(format!(
                "`{pattern}` is not a host: lower-case labels, `*` for a whole one, the last two without it"
            ))
        }
    }

    fn matches(&self, domain: &str) -> bool {
        let mut labels = domain.split('.');
        let fits = self.0.split('.').all(|wanted| match labels.next() {
            Some(label) if wanted == "*" => !label.is_empty() && label.bytes().all(is_label_byte),
            label => label == Some(wanted),
        });
        fits && labels.next().is_none()
    }
}

fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

#[cfg(test)]
mod tests;
