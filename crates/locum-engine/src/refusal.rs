//! Every refusal there is: who is at fault, what the client is told, what the log is told. One table.

use std::fmt;

use crate::limits::RETRY_AFTER_SECONDS_MAX;

/// Longest text of an issuer that a client is shown, in characters.
const ISSUER_TEXT_MAX: usize = 200;

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    kind: RefusalKind,
    description: String,
    inside: Option<String>,
    retry_after_seconds: Option<u64>,
}

/// Who has to change something.
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
    /// Locum, or what it stands on.
    Locum,
}

/// One row of the table: a situation with its own status or code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalKind {
    /// The body cannot be read, a parameter is missing, double or of the wrong type, or the issuer refuses it.
    InvalidRequest,
    /// The method is not served.
    MethodNotAllowed,
    /// The content type is not served.
    UnsupportedMediaType,
    /// The body is larger than the limit.
    BodyTooLarge,
    /// The grant type is not the one that is served.
    UnsupportedGrantType,
    /// Unknown host, or delegation is off.
    NotFound,
    /// Unknown client, or one that may not delegate.
    UnauthorizedClient,
    /// The subject token is not good.
    InvalidGrant,
    /// The user is blocked, or the target may not be had.
    Unauthorized,
    /// The bucket is empty.
    TooManyRequests,
    /// The upstream said no.
    AccessDenied,
    /// The credential is not of a kind that can be revoked (RFC 7009 section 2.2.1).
    UnsupportedTokenType,
    /// Too much at once, or a store is away.
    TemporarilyUnavailable,
    /// The upstream cannot be reached or makes no sense.
    UpstreamUnreachable,
    /// The upstream is too busy; the client is told when to try again.
    UpstreamBusy,
    /// The upstream did not answer in time.
    UpstreamTimedOut,
    /// An issuer is misconfigured, panicked or broke its contract.
    ServerError,
    /// An issuer did not answer in time.
    IssuerHung,
}

impl RefusalKind {
    /// All rows, in the order of their status.
    pub const ALL: [Self; 18] = [
        Self::InvalidRequest,
        Self::UnsupportedGrantType,
        Self::InvalidGrant,
        Self::UnsupportedTokenType,
        Self::Unauthorized,
        Self::UnauthorizedClient,
        Self::AccessDenied,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::TooManyRequests,
        Self::ServerError,
        Self::UpstreamUnreachable,
        Self::TemporarilyUnavailable,
        Self::UpstreamBusy,
        Self::IssuerHung,
        Self::UpstreamTimedOut,
    ];

    /// HTTP status, `error`, and who is at fault.
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
            Self::BodyTooLarge => (413, "invalid_request", Fault::Caller),
            Self::UnsupportedMediaType => (415, "invalid_request", Fault::Caller),
            Self::TooManyRequests => (429, "too_many_requests", Fault::Caller),
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
    /// A refusal whose description the client reads.
    pub fn new(kind: RefusalKind, description: impl Into<String>) -> Self {
        Self { kind, description: description.into(), inside: None, retry_after_seconds: None }
    }

    /// Adds what only the log is told.
    #[must_use]
    pub fn because(mut self, inside: impl fmt::Display) -> Self {
        self.inside = Some(inside.to_string());
        self
    }

    /// Adds when the client may try again, at least a second and at most an hour from now.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds.clamp(1, RETRY_AFTER_SECONDS_MAX));
        self
    }

    /// A request that cannot be understood or honoured.
    pub fn invalid_request(description: impl Into<String>) -> Self {
        Self::new(RefusalKind::InvalidRequest, description)
    }

    /// A parameter that must be there is not.
    pub fn missing_parameter(name: &str) -> Self {
        Self::invalid_request(format!("missing {name} parameter"))
    }

    /// Another grant type than the one that is served.
    pub fn unsupported_grant_type(served: &str) -> Self {
        Self::new(RefusalKind::UnsupportedGrantType, format!("grant_type must be {served}"))
    }

    /// A subject token that is not good; `fact` says why and never what key was tried.
    pub fn invalid_grant(fact: impl Into<String>) -> Self {
        Self::new(RefusalKind::InvalidGrant, fact)
    }

    /// A parameter that an issuer refuses, in the issuer's words, cut to a length and to printable characters.
    pub fn refused_by_issuer(words: &str) -> Self {
        let words = words.chars().map(|c| if c.is_control() { ' ' } else { c });
        Self::invalid_request(words.take(ISSUER_TEXT_MAX).collect::<String>())
    }

    /// A fault inside: the client is told only the reference under which the log says more.
    pub fn fault(kind: RefusalKind, reference: &str, inside: impl fmt::Display) -> Self {
        Self::new(kind, format!("internal error; reference {reference}")).because(inside)
    }

    /// Which row of the table it is.
    pub fn kind(&self) -> RefusalKind {
        self.kind
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.kind.row().0
    }

    /// The `error` member.
    pub fn code(&self) -> &'static str {
        self.kind.row().1
    }

    /// Who is at fault.
    pub fn at_fault(&self) -> Fault {
        self.kind.row().2
    }

    /// The `error_description` member.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// `Retry-After`: whole seconds until the same request may succeed, where that is known.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after_seconds
    }

    /// What only the log is told.
    pub fn inside(&self) -> Option<&str> {
        self.inside.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_what_clients_were_told() {
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
                "413 invalid_request BodyTooLarge Caller",
                "415 invalid_request UnsupportedMediaType Caller",
                "429 too_many_requests TooManyRequests Caller",
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
    fn an_issuers_words_are_cut_and_cleaned() {
        let refusal = Refusal::refused_by_issuer(&format!("a\r\nb{}", "x".repeat(500)));
        assert!(refusal.description().starts_with("a  bx"));
        assert_eq!(refusal.description().chars().count(), ISSUER_TEXT_MAX);
    }
}
