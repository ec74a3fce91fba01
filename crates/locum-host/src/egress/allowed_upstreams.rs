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

/// A request that was found to be allowed. There is no other way to one than [`AllowedUpstreams::admit`].
#[derive(Clone)]
pub struct AllowedRequest {
    method: Method,
    url: Url,
    headers: Vec<(String, String)>,
    body: String,
    reach: Reach,
}

/// The methods that an issuer may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
}

/// Where a request may go, once its name is an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// To addresses of the public internet: the plugin's author named the host.
    Public,
    /// Anywhere: the operator named the origin in the settings, and may mean a host of the inner network.
    Anywhere,
}

/// Why a request is not made. It is the issuer's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAllowed {
    /// The method is neither `GET` nor `POST`.
    #[error("the method must be GET or POST")]
    Method,
    /// The URL cannot be read, or can be read in two ways.
    #[error("the URL is not an absolute one without blanks, user info and fragment")]
    Url,
    /// The manifest does not declare it.
    #[error("it called {0}, which its manifest does not declare")]
    Undeclared(String),
    /// A header that issuers may not set, or one twice.
    #[error("it may not set this header, or not twice: {0}")]
    Header(String),
    /// A header's value that would break the request.
    #[error("the value of the header {0} is not visible ASCII")]
    HeaderValue(String),
    /// More body than issuers may send, or one with `GET`.
    #[error("the body is too large, or stands in a GET")]
    Body,
}

impl AllowedUpstreams {
    /// What the manifest declares, with these stored settings. Request parameters play no part.
    ///
    /// # Errors
    /// The name of a setting that should hold the URL of an upstream and does not.
    pub fn of(manifest: &IssuerManifest, settings: &Map<String, Value>) -> Result<Self, String> {
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
    pub fn admit(&self, request: UpstreamRequest) -> Result<AllowedRequest, NotAllowed> {
        let method = match request.method.as_str() {
            "GET" => Method::Get,
            "POST" => Method::Post,
            _ => return Err(NotAllowed::Method),
        };
        let url = parse(&request.url)?;
        let reach = self.reach(&url).ok_or_else(|| NotAllowed::Undeclared(shown(&url)))?;
        check_headers(&request.headers)?;
        if request.body.len() > UPSTREAM_REQUEST_BYTES_MAX
            || (method == Method::Get && !request.body.is_empty())
        {
            return Err(NotAllowed::Body);
        }
        Ok(AllowedRequest { method, url, headers: request.headers, body: request.body, reach })
    }

    fn reach(&self, url: &Url) -> Option<Reach> {
        if self.origins.contains(&url.origin()) {
            return Some(Reach::Anywhere);
        }
        match url.host() {
            Some(Host::Domain(domain))
                if url.scheme() == "https"
                    && url.port().is_none()
                    && self.hosts.iter().any(|pattern| pattern.matches(domain)) =>
            {
                Some(Reach::Public)
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
fn parse(text: &str) -> Result<Url, NotAllowed> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return Err(NotAllowed::Url);
    }
    let url = Url::parse(text).map_err(|_| NotAllowed::Url)?;
    let authority =
        text.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(""));
    if !url.has_host() || authority.is_empty() || authority.contains('@') || url.fragment().is_some() {
        return Err(NotAllowed::Url);
    }
    Ok(url)
}

fn check_headers(headers: &[(String, String)]) -> Result<(), NotAllowed> {
    for (at, (name, value)) in headers.iter().enumerate() {
        let twice = headers.iter().take(at).any(|(earlier, _)| earlier.eq_ignore_ascii_case(name));
        if twice || !HEADERS.iter().any(|allowed| allowed.eq_ignore_ascii_case(name)) {
            return Err(NotAllowed::Header(crate::sanitize::cleaned(name, 64)));
        }
        if !value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            return Err(NotAllowed::HeaderValue(name.to_ascii_lowercase()));
        }
    }
    Ok(())
}

/// As much of a URL as may stand in a log: paths and queries may carry credentials.
fn shown(url: &Url) -> String {
    crate::sanitize::cleaned(&url.origin().ascii_serialization(), 256)
}

impl AllowedRequest {
    /// `GET` or `POST`.
    pub fn method(&self) -> Method {
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
    pub fn reach(&self) -> Reach {
        self.reach
    }
}

impl Method {
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
