//! Requests that the host makes for an issuer, and their replies.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
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
    /// How the body is written here, if not as the text that it is. Only for upstreams with
    /// [binary bodies](crate::manifest::Upstream::binary_bodies).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_encoding: Option<BodyEncoding>,
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
            body_encoding: None,
            idempotent: false,
        }
    }

    /// The bytes of the body; `None` if it is not written in its encoding.
    pub fn bytes(&self) -> Option<Cow<'_, [u8]>> {
        body_bytes(&self.body, self.body_encoding)
    }

    /// The same with a body of any bytes.
    #[must_use]
    pub fn with_bytes(mut self, body: &[u8]) -> Self {
        self.body = BASE64.encode(body);
        self.body_encoding = Some(BodyEncoding::Base64);
        self
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
    /// The body, no longer than the host's limit.
    #[serde(default)]
    pub body: String,
    /// How the body is written here, if not as the text that it is. Only of upstreams with
    /// [binary bodies](crate::manifest::Upstream::binary_bodies), and only if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_encoding: Option<BodyEncoding>,
}

/// How the bytes of a body are written in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyEncoding {
    /// RFC 4648 section 4, with padding.
    Base64,
    /// An encoding that this host or plugin does not know.
    #[serde(other)]
    Unknown,
}

/// The bytes of a body that is written in this encoding; `None` if it is not.
fn body_bytes(body: &str, encoding: Option<BodyEncoding>) -> Option<Cow<'_, [u8]>> {
    match encoding {
        None => Some(Cow::Borrowed(body.as_bytes())),
        Some(BodyEncoding::Base64) => BASE64.decode(body).ok().map(Cow::Owned),
        Some(BodyEncoding::Unknown) => None,
    }
}

impl UpstreamReply {
    /// A reply without headers.
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), body_encoding: None }
    }

    /// A reply without headers, whose body may be any bytes.
    pub fn of_bytes(status: u16, body: Vec<u8>) -> Self {
        match String::from_utf8(body) {
            Ok(text) => Self::new(status, text),
            Err(error) => {
                let mut reply = Self::new(status, BASE64.encode(error.as_bytes()));
                reply.body_encoding = Some(BodyEncoding::Base64);
                reply
            }
        }
    }

    /// The bytes of the body; `None` if they are in an encoding that is not known here.
    ///
    /// ```
    /// use locum_abi::upstream::UpstreamReply;
    ///
    /// let der = UpstreamReply::of_bytes(200, vec![0x30, 0x82]);
    /// assert_eq!(der.bytes().as_deref(), Some([0x30, 0x82].as_slice()));
    /// ```
    pub fn bytes(&self) -> Option<Cow<'_, [u8]>> {
        body_bytes(&self.body, self.body_encoding)
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
    fn a_body_is_a_text_or_bytes_in_base64() {
        let request = UpstreamRequest::new("POST", "u").with_bytes(&[0, 0xff]);
        assert_eq!((request.body.as_str(), request.body_encoding), ("AP8=", Some(BodyEncoding::Base64)));
        assert_eq!(body_bytes(&request.body, request.body_encoding).as_deref(), Some([0, 0xff].as_slice()));
        assert_eq!(UpstreamReply::of_bytes(200, b"text".to_vec()), UpstreamReply::new(200, "text"));
        let reply = UpstreamReply::of_bytes(200, vec![0xff]);
        assert_eq!((reply.body.as_str(), reply.bytes().as_deref()), ("/w==", Some([0xff].as_slice())));
        assert_eq!(body_bytes("/w", Some(BodyEncoding::Base64)), None);
        assert_eq!(body_bytes("x", Some(BodyEncoding::Unknown)), None);
        let later: UpstreamReply =
            serde_json::from_str(r#"{"status":200,"body":"x","body_encoding":"hex"}"#).unwrap();
        assert_eq!(later.bytes(), None);
    }

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
