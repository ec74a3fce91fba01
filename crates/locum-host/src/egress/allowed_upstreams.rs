//! Checks upstream requests: an issuer may call only the hosts that its manifest declares.

use std::fmt;

use locum_abi::manifest::{IssuerManifest, Upstream};
use locum_abi::upstream::UpstreamRequest;
use locum_engine::printable;
use serde_json::{Map, Value};
use url::{Host, Origin, Url};

use crate::egress::host_pattern::HostPattern;
use crate::limits::UPSTREAM_REQUEST_BYTES_MAX;

/// The headers that an issuer may set, each once.
const ALLOWED_HEADERS: [&str; 3] = ["accept", "authorization", "content-type"];

/// The upstreams that a configured issuer may call.
#[derive(Debug, Clone)]
pub struct AllowedUpstreams {
    hosts: Vec<HostPattern>,
    origins: Vec<Origin>,
}

/// An allowed request. Only [`AllowedUpstreams::check`] makes one.
#[derive(Clone, PartialEq, Eq)]
pub struct AllowedRequest {
    method: UpstreamMethod,
    url: Url,
    headers: Vec<(String, String)>,
    body: String,
    scope: AddressScope,
    declared_origin: String,
}

/// The methods that an issuer may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamMethod {
    /// `GET`
    Get,
    /// `POST`
    Post,
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
    /// The method is neither `GET` nor `POST`.
    #[error("the method must be GET or POST")]
    MethodNotAllowed,
    /// The URL cannot be parsed, or parsers could disagree about it.
    #[error("the URL must be absolute, without blanks, user info and fragment")]
    AmbiguousUrl,
    /// The manifest does not declare this origin.
    #[error("it called {0}, which its manifest does not declare")]
    UndeclaredOrigin(String),
    /// Issuers may not set this header, or it is set twice.
    #[error("this header is not allowed, or is set twice: {0}")]
    HeaderNotAllowed(String),
    /// The value of this header contains other characters than visible ASCII and spaces.
    #[error("the value of the header {0} is not visible ASCII")]
    HeaderValueNotAscii(String),
    /// The body exceeds [`UPSTREAM_REQUEST_BYTES_MAX`], or the method is `GET`.
    #[error("the body is too large, or not allowed with GET")]
    BodyNotAllowed,
}

impl AllowedUpstreams {
    /// The upstreams that the manifest declares, with the origins in these stored settings. Parameters of a request have no
    /// influence.
    ///
    /// # Errors
    /// The name of a setting that should contain the URL of an upstream and does not.
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

    /// Checks a request.
    ///
    /// # Errors
    /// The rule that the request breaks.
    pub fn check(&self, request: UpstreamRequest) -> Result<AllowedRequest, DisallowedRequest> {
        let method = match request.method.as_str() {
            "GET" => UpstreamMethod::Get,
            "POST" => UpstreamMethod::Post,
            _ => return Err(DisallowedRequest::MethodNotAllowed),
        };
        let url = parse(&request.url)?;
        let (scope, declared_origin) =
            self.scope(&url).ok_or_else(|| DisallowedRequest::UndeclaredOrigin(loggable(&url)))?;
        check_headers(&request.headers)?;
        if request.body.len() > UPSTREAM_REQUEST_BYTES_MAX
            || (method == UpstreamMethod::Get && !request.body.is_empty())
        {
            return Err(DisallowedRequest::BodyNotAllowed);
        }
        let UpstreamRequest { headers, body, .. } = request;
        Ok(AllowedRequest { method, url, headers, body, scope, declared_origin })
    }

    /// Where the URL may lead, and the declaration that allows it, as an origin.
    fn scope(&self, url: &Url) -> Option<(AddressScope, String)> {
        if let Some(origin) = self.origins.iter().find(|origin| **origin == url.origin()) {
            return Some((AddressScope::Any, origin.ascii_serialization()));
        }
        match url.host() {
            Some(Host::Domain(domain)) if url.scheme() == "https" && url.port().is_none() => {
                let pattern = self.hosts.iter().find(|pattern| pattern.matches(domain))?;
                Some((AddressScope::Public, format!("https://{pattern}")))
            }
            _ => None,
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

fn check_headers(headers: &[(String, String)]) -> Result<(), DisallowedRequest> {
    for (at, (name, value)) in headers.iter().enumerate() {
        let twice = headers.iter().take(at).any(|(earlier, _)| earlier.eq_ignore_ascii_case(name));
        if twice || !ALLOWED_HEADERS.iter().any(|allowed| allowed.eq_ignore_ascii_case(name)) {
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
    /// `GET` or `POST`.
    pub fn method(&self) -> UpstreamMethod {
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

    /// The body; empty if there is none.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The origin as the manifest or the settings declare it; where the manifest has a pattern, with the pattern.
    pub fn declared_origin(&self) -> &str {
        &self.declared_origin
    }

    /// The addresses to which the host name may resolve.
    pub fn address_scope(&self) -> AddressScope {
        self.scope
    }
}

impl UpstreamMethod {
    /// The method as HTTP spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
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
