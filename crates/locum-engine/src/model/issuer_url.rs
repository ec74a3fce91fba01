//! The URLs that documents of an issuer are fetched from.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// A URL of an issuer's document: over HTTPS, or over HTTP from this machine itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerUrl(Url);

/// The text is not a URL that documents are fetched from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "write a URL with https, or with http and an address of this machine such as 127.0.0.1, without user, password and fragment"
)]
pub struct InvalidIssuerUrl;

impl IssuerUrl {
    /// The URL.
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// The name or address in it.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

impl FromStr for IssuerUrl {
    type Err = InvalidIssuerUrl;

    fn from_str(text: &str) -> Result<Self, InvalidIssuerUrl> {
        let url = Url::parse(text).map_err(|_| InvalidIssuerUrl)?;
        let is_bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        let is_safe = match url.scheme() {
            "https" => true,
            // No name: somebody else may say where it leads.
            "http" => match url.host() {
                Some(Host::Ipv4(address)) => address.is_loopback(),
                Some(Host::Ipv6(address)) => address.is_loopback(),
                Some(Host::Domain(_)) | None => false,
            },
            _ => false,
        };
        if is_bare && is_safe { Ok(Self(url)) } else { Err(InvalidIssuerUrl) }
    }
}

impl fmt::Display for IssuerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_encrypted_or_stays_on_this_machine() {
        for text in [
            "https://login.example.com/keys?a=b",
            "https://10.0.0.1:8443/",
            "http://127.0.0.1:3000/keys",
            "http://127.9.9.9/",
            "http://[::1]/",
        ] {
            assert!(text.parse::<IssuerUrl>().is_ok(), "{text}");
        }
        for text in [
            "",
            "login.example.com",
            "http://login.example.com/",
            "http://localhost/",
            "http://0.0.0.0/",
            "http://[::ffff:127.0.0.1]/",
            "http://10.0.0.1/",
            "https://user@login.example.com/",
            "https://user:secret@login.example.com/",
            "https://login.example.com/#keys",
            "file:///etc/passwd",
            "https://",
        ] {
            assert_eq!(text.parse::<IssuerUrl>(), Err(InvalidIssuerUrl), "{text}");
        }
    }
}
