//! Requests that the host makes for an issuer, and their replies.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest error code of an upstream that is passed on to clients, in bytes.
pub const ERROR_CODE_BYTES_MAX: usize = 64;

/// Whether a text is an upstream's error code, such as `AccessDenied` or `invalid_grant`: 1 to 64 ASCII letters, digits
/// and `._-`.
///
/// Any other text is an upstream's prose. It may name users, so it never reaches a client.
///
/// ```
/// use locum_abi::upstream::is_error_code;
///
/// assert!(is_error_code("invalid_grant"));
/// assert!(!is_error_code("user alice has not approved this consumer"));
/// ```
pub fn is_error_code(text: &str) -> bool {
    (1..=ERROR_CODE_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// A request to an upstream. The host makes it only if the manifest declares the URL's origin.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UpstreamRequest {
    /// `GET` or `POST`, or one of the [methods](crate::manifest::Upstream::methods) that the manifest declares.
    pub method: String,
    /// An absolute URL without user info and fragment.
    pub url: String,
    /// Header names and values, in order.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body; empty if there is none.
    #[serde(default)]
    pub body: String,
    /// Whether sending it twice does no more than sending it once. If the issuer then fails with a failure that is
    /// [retryable](crate::answer::Failure::retryable) and does not say how long to wait, the host drops the reply and sends the
    /// request once more, if there is time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idempotent: bool,
}

impl UpstreamRequest {
    /// A request without headers and body.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: String::new(),
            idempotent: false,
        }
    }

    /// The same, which may be sent [twice](Self::idempotent).
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// The same with one more header. The manifest [declares](crate::manifest::Upstream::headers) it, unless it is `accept`,
    /// `authorization` or `content-type`.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The same with this token as its authorization (RFC 6750 section 2.1).
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.with_header("authorization", format!("Bearer {token}"))
    }
}

/// What the upstream answered, whatever its status. If the upstream cannot be reached, the issuer is not called again:
/// the host answers the client itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UpstreamReply {
    /// The HTTP status.
    pub status: u16,
    /// Header names, in lower case, and values.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body: valid UTF-8, no longer than the host's limit.
    #[serde(default)]
    pub body: String,
}

impl UpstreamReply {
    /// A reply without headers.
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// The first value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

// Bodies and headers carry assertions, passwords and new credentials: `Debug` shows neither.
impl fmt::Debug for UpstreamRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamRequest")
            .field("method", &self.method)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for UpstreamReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamReply").field("status", &self.status).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_codes_are_1_to_64_letters_digits_and_three_marks() {
        for code in ["AccessDenied", "invalid_grant", "Access.Denied-1", "7", &"x".repeat(64)] {
            assert!(is_error_code(code), "{code}");
        }
        for prose in ["", "user alice", "a\nb", "<b>", "ä", &"x".repeat(65)] {
            assert!(!is_error_code(prose), "{prose}");
        }
    }
}
