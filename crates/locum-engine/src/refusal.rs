//! Refusals: for each kind its status, its code and who is at fault, in one table.

use std::fmt;

use crate::limits::RETRY_AFTER_SECONDS_MAX;

/// Longest message of an issuer that a client receives, in characters.
const ISSUER_TEXT_MAX: usize = 200;

/// Why a request was refused: an answer for the client and, for operators, the internal cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    kind: RefusalKind,
    description: String,
    inside: Option<String>,
    retry_after_seconds: Option<u64>,
}

/// Who can remedy a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The caller's request.
    Caller,
    /// The tenant's policy.
    Policy,
    /// An upstream of an issuer.
    Upstream,
    /// A plugin.
    Plugin,
    /// Locum, or a store that it uses.
    Locum,
}

/// The kinds of refusal. Each has a status and a code (see [`row`](Self::row)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalKind {
    /// The body cannot be parsed, a parameter is missing, duplicate or of the wrong type, or the issuer refuses it.
    InvalidRequest,
    /// The HTTP method is not supported.
    MethodNotAllowed,
    /// The content type is not supported.
    UnsupportedMediaType,
    /// The body did not arrive in time.
    RequestTimeout,
    /// The body is larger than the limit.
    BodyTooLarge,
    /// The grant type is not supported.
    UnsupportedGrantType,
    /// The host is unknown, or delegation is disabled.
    NotFound,
    /// The client is unknown, or may not delegate.
    UnauthorizedClient,
    /// The subject token is invalid.
    InvalidGrant,
    /// The user is blocked, or the target is unknown or does not allow the client.
    Unauthorized,
    /// The rate limit is exceeded.
    TooManyRequests,
    /// The address has presented too many invalid subject tokens. No user is known, so there are no rate headers.
    TooManyInvalidTokens,
    /// The upstream refused.
    AccessDenied,
    /// A credential of this kind cannot be revoked (RFC 7009 section 2.2.1).
    UnsupportedTokenType,
    /// There are too many requests in flight, or a store is unavailable.
    TemporarilyUnavailable,
    /// The upstream cannot be reached, or its reply is unusable.
    UpstreamUnreachable,
    /// The upstream is busy; the client is told when to try again.
    UpstreamBusy,
    /// The upstream did not reply in time.
    UpstreamTimedOut,
    /// An issuer is misconfigured, panicked or broke its contract.
    ServerError,
    /// An issuer did not answer in time.
    IssuerHung,
}

impl RefusalKind {
    /// All kinds, in the order of their status.
    pub const ALL: [Self; 20] = [
        Self::InvalidRequest,
        Self::UnsupportedGrantType,
        Self::InvalidGrant,
        Self::UnsupportedTokenType,
        Self::Unauthorized,
        Self::UnauthorizedClient,
        Self::AccessDenied,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::TooManyRequests,
        Self::TooManyInvalidTokens,
        Self::ServerError,
        Self::UpstreamUnreachable,
        Self::TemporarilyUnavailable,
        Self::UpstreamBusy,
        Self::IssuerHung,
        Self::UpstreamTimedOut,
    ];

    /// The name for metrics: unlike the member `error` of the answer, each kind has its own.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::RequestTimeout => "request_timeout",
            Self::BodyTooLarge => "body_too_large",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::NotFound => "not_found",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::InvalidGrant => "invalid_grant",
            Self::Unauthorized => "unauthorized",
            Self::TooManyRequests => "too_many_requests",
            Self::TooManyInvalidTokens => "too_many_invalid_tokens",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::UpstreamUnreachable => "upstream_unreachable",
            Self::UpstreamBusy => "upstream_busy",
            Self::UpstreamTimedOut => "upstream_timed_out",
            Self::ServerError => "server_error",
            Self::IssuerHung => "issuer_hung",
        }
    }

    /// The HTTP status, the member `error` of the answer, and who is at fault.
    pub const fn row(self) -> (u16, &'static str, Fault) {
        match self {
            Self::InvalidRequest => (400, "invalid_request", Fault::Caller),
            Self::UnsupportedGrantType => (400, "unsupported_grant_type", Fault::Caller),
            Self::InvalidGrant => (400, "invalid_grant", Fault::Caller),
            Self::UnsupportedTokenType => (400, "unsupported_token_type", Fault::Caller),
            Self::Unauthorized => (401, "unauthorized", Fault::Policy),
            Self::UnauthorizedClient => (403, "unauthorized_client", Fault::Policy),
            Self::AccessDenied => (403, "access_denied", Fault::Upstream),
            Self::NotFound => (404, "not_found", Fault::Policy),
            Self::MethodNotAllowed => (405, "invalid_request", Fault::Caller),
            Self::RequestTimeout => (408, "invalid_request", Fault::Caller),
            Self::BodyTooLarge => (413, "invalid_request", Fault::Caller),
            Self::UnsupportedMediaType => (415, "invalid_request", Fault::Caller),
            Self::TooManyRequests | Self::TooManyInvalidTokens => (429, "too_many_requests", Fault::Caller),
            Self::ServerError => (500, "server_error", Fault::Plugin),
            Self::UpstreamUnreachable => (502, "temporarily_unavailable", Fault::Upstream),
            Self::TemporarilyUnavailable => (503, "temporarily_unavailable", Fault::Locum),
            Self::UpstreamBusy => (503, "temporarily_unavailable", Fault::Upstream),
            Self::IssuerHung => (504, "server_error", Fault::Plugin),
            Self::UpstreamTimedOut => (504, "temporarily_unavailable", Fault::Upstream),
        }
    }
}

impl Refusal {
    /// A refusal with a description for the client.
    pub fn new(kind: RefusalKind, description: impl Into<String>) -> Self {
        Self { kind, description: description.into(), inside: None, retry_after_seconds: None }
    }

    /// Adds the internal cause, which only the audit event contains.
    #[must_use]
    pub fn because(mut self, inside: impl fmt::Display) -> Self {
        self.inside = Some(inside.to_string());
        self
    }

    /// Adds when the client may try again: in at least a second and at most an hour.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds.clamp(1, RETRY_AFTER_SECONDS_MAX));
        self
    }

    /// A request that is not valid.
    pub fn invalid_request(description: impl Into<String>) -> Self {
        Self::new(RefusalKind::InvalidRequest, description)
    }

    /// A required parameter is missing.
    pub fn missing_parameter(name: &str) -> Self {
        Self::invalid_request(format!("missing {name} parameter"))
    }

    /// A grant type other than the supported one.
    pub fn unsupported_grant_type(served: &str) -> Self {
        Self::new(RefusalKind::UnsupportedGrantType, format!("grant_type must be {served}"))
    }

    /// An invalid subject token. `fact` states why, and nothing about keys.
    pub fn invalid_grant(fact: impl Into<String>) -> Self {
        Self::new(RefusalKind::InvalidGrant, fact)
    }

    /// A parameter that an issuer refuses. The issuer's message is truncated to 200 characters, and its control
    /// characters become spaces.
    pub fn refused_by_issuer(words: &str) -> Self {
        let words = words.chars().map(|c| if c.is_control() { ' ' } else { c });
        Self::invalid_request(words.take(ISSUER_TEXT_MAX).collect::<String>())
    }

    /// An internal error. The client receives only the reference, under which the audit event has the cause.
    pub fn fault(kind: RefusalKind, reference: &str, inside: impl fmt::Display) -> Self {
        Self::new(kind, format!("internal error; reference {reference}")).because(inside)
    }

    /// The kind of refusal.
    pub fn kind(&self) -> RefusalKind {
        self.kind
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.kind.row().0
    }

    /// The member `error` of the answer.
    pub fn code(&self) -> &'static str {
        self.kind.row().1
    }

    /// Who is at fault.
    pub fn at_fault(&self) -> Fault {
        self.kind.row().2
    }

    /// The member `error_description` of the answer.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// `Retry-After`: in how many seconds the same request may succeed, where that is known.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after_seconds
    }

    /// The internal cause, which only the audit event contains.
    pub fn inside(&self) -> Option<&str> {
        self.inside.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_codes_are_those_of_the_table() {
        let table: Vec<String> = RefusalKind::ALL
            .iter()
            .map(|kind| {
                let (status, code, fault) = kind.row();
                format!("{status} {code} {kind:?} {fault:?}")
            })
            .collect();
        assert_eq!(
            table,
            [
                "400 invalid_request InvalidRequest Caller",
                "400 unsupported_grant_type UnsupportedGrantType Caller",
                "400 invalid_grant InvalidGrant Caller",
                "400 unsupported_token_type UnsupportedTokenType Caller",
                "401 unauthorized Unauthorized Policy",
                "403 unauthorized_client UnauthorizedClient Policy",
                "403 access_denied AccessDenied Upstream",
                "404 not_found NotFound Policy",
                "405 invalid_request MethodNotAllowed Caller",
                "408 invalid_request RequestTimeout Caller",
                "413 invalid_request BodyTooLarge Caller",
                "415 invalid_request UnsupportedMediaType Caller",
                "429 too_many_requests TooManyRequests Caller",
                "429 too_many_requests TooManyInvalidTokens Caller",
                "500 server_error ServerError Plugin",
                "502 temporarily_unavailable UpstreamUnreachable Upstream",
                "503 temporarily_unavailable TemporarilyUnavailable Locum",
                "503 temporarily_unavailable UpstreamBusy Upstream",
                "504 server_error IssuerHung Plugin",
                "504 temporarily_unavailable UpstreamTimedOut Upstream",
            ]
        );
    }

    #[test]
    fn a_wait_is_stated_only_where_it_is_known() {
        let refusal = Refusal::new(RefusalKind::UpstreamBusy, "busy");
        assert_eq!(refusal.retry_after_seconds(), None);
        assert_eq!(refusal.retry_after(7).retry_after_seconds(), Some(7));
    }

    #[test]
    fn an_issuers_message_is_truncated_and_cleaned() {
        let refusal = Refusal::refused_by_issuer(&format!("a\r\nb{}", "x".repeat(500)));
        assert!(refusal.description().starts_with("a  bx"));
        assert_eq!(refusal.description().chars().count(), ISSUER_TEXT_MAX);
    }
}
