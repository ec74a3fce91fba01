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
    /// Whether it is in the terms of OAuth.
    is_oauth: bool,
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
    /// No client of the tenant has this id.
    UnknownClient,
    /// The client did not authenticate as it must.
    InvalidClient,
    /// The token by which a profile is read is missing or invalid (RFC 6750 section 3.1).
    InvalidToken,
    /// The client may not delegate.
    UnauthorizedClient,
    /// The subject or actor token is invalid, or does not allow the exchange.
    InvalidGrant,
    /// The refresh token was replaced, and its family is revoked.
    RefreshTokenReused,
    /// The user is blocked.
    UserBlocked,
    /// The target is unknown or does not allow the client (RFC 8693 section 2.2.2).
    InvalidTarget,
    /// More scopes are requested than the subject token has.
    InvalidScope,
    /// The rate limit is exceeded.
    TooManyRequests,
    /// The address has presented too many invalid subject tokens, wrong secrets or unknown names. No user is known, so there are no
    /// rate headers.
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
    pub const ALL: [Self; 26] = [
        Self::InvalidRequest,
        Self::UnsupportedGrantType,
        Self::InvalidGrant,
        Self::RefreshTokenReused,
        Self::InvalidScope,
        Self::UnsupportedTokenType,
        Self::InvalidClient,
        Self::InvalidToken,
        Self::UserBlocked,
        Self::InvalidTarget,
        Self::UnknownClient,
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
            Self::UnknownClient => "unknown_client",
            Self::InvalidClient => "invalid_client",
            Self::InvalidToken => "invalid_token",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::InvalidGrant => "invalid_grant",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::UserBlocked => "user_blocked",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidScope => "invalid_scope",
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

    /// The answer at each endpoint, and who is at fault.
    pub const fn row(self) -> Row {
        match self {
            Self::InvalidRequest => Row::new(400, "invalid_request", Fault::Caller),
            Self::UnsupportedGrantType => Row::new(400, "unsupported_grant_type", Fault::Caller),
            Self::InvalidGrant | Self::RefreshTokenReused => Row::new(400, "invalid_grant", Fault::Caller),
            Self::InvalidScope => Row::new(400, "invalid_scope", Fault::Caller),
            Self::UnsupportedTokenType => Row::new(400, "unsupported_token_type", Fault::Caller),
            Self::InvalidClient => Row::new(401, "invalid_client", Fault::Caller),
            Self::InvalidToken => Row::new(401, "invalid_token", Fault::Caller),
            Self::UserBlocked => Row::new(401, "unauthorized", Fault::Policy).oauth(400, "invalid_grant"),
            Self::InvalidTarget => Row::new(401, "unauthorized", Fault::Policy).oauth(400, "invalid_target"),
            Self::UnknownClient => {
                Row::new(403, "unauthorized_client", Fault::Policy).oauth(401, "invalid_client")
            }
            Self::UnauthorizedClient => {
                Row::new(403, "unauthorized_client", Fault::Policy).oauth(400, "unauthorized_client")
            }
            Self::AccessDenied => Row::new(403, "access_denied", Fault::Upstream),
            Self::NotFound => Row::new(404, "not_found", Fault::Policy),
            Self::MethodNotAllowed => Row::new(405, "invalid_request", Fault::Caller),
            Self::RequestTimeout => Row::new(408, "invalid_request", Fault::Caller),
            Self::BodyTooLarge => Row::new(413, "invalid_request", Fault::Caller),
            Self::UnsupportedMediaType => Row::new(415, "invalid_request", Fault::Caller),
            Self::TooManyRequests | Self::TooManyInvalidTokens => {
                Row::new(429, "too_many_requests", Fault::Caller)
            }
            Self::ServerError => Row::new(500, "server_error", Fault::Plugin),
            Self::UpstreamUnreachable => Row::new(502, "temporarily_unavailable", Fault::Upstream),
            Self::TemporarilyUnavailable => Row::new(503, "temporarily_unavailable", Fault::Locum),
            Self::UpstreamBusy => Row::new(503, "temporarily_unavailable", Fault::Upstream),
            Self::IssuerHung => Row::new(504, "server_error", Fault::Plugin),
            Self::UpstreamTimedOut => Row::new(504, "temporarily_unavailable", Fault::Upstream),
        }
    }
}

/// How a kind of refusal is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// HTTP status and member `error` at `/delegation`, which are Auth0's.
    pub delegation: (u16, &'static str),
    /// The same under `/oauth/` (RFC 6749 section 5.2, RFC 8693 section 2.2.2).
    pub oauth: (u16, &'static str),
    /// Who can remedy it.
    pub fault: Fault,
}

impl Row {
    const fn new(status: u16, code: &'static str, fault: Fault) -> Self {
        Self { delegation: (status, code), oauth: (status, code), fault }
    }

    const fn oauth(self, status: u16, code: &'static str) -> Self {
        Self { oauth: (status, code), ..self }
    }
}

impl Refusal {
    /// A refusal with a description for the client.
    pub fn new(kind: RefusalKind, description: impl Into<String>) -> Self {
        Self {
            kind,
            description: description.into(),
            inside: None,
            retry_after_seconds: None,
            is_oauth: false,
        }
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

    /// The same refusal in the terms of OAuth, as the endpoints under `/oauth/` answer it.
    #[must_use]
    pub fn in_terms_of_oauth(mut self) -> Self {
        self.is_oauth = true;
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

    /// A grant type other than the supported ones.
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

    /// A store is unavailable, or what it answers cannot be used.
    pub(crate) fn unavailable(inside: impl fmt::Display) -> Self {
        Self::new(RefusalKind::TemporarilyUnavailable, "try again later").because(inside)
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
        self.answer().0
    }

    /// The member `error` of the answer.
    pub fn code(&self) -> &'static str {
        self.answer().1
    }

    fn answer(&self) -> (u16, &'static str) {
        let row = self.kind.row();
        if self.is_oauth { row.oauth } else { row.delegation }
    }

    /// Who is at fault.
    pub fn at_fault(&self) -> Fault {
        self.kind.row().fault
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
                let Row { delegation: (status, code), oauth, fault } = kind.row();
                let at_oauth = if oauth == (status, code) {
                    String::new()
                } else {
                    format!(" | {} {}", oauth.0, oauth.1)
                };
                format!("{status} {code}{at_oauth} {kind:?} {fault:?}")
            })
            .collect();
        assert_eq!(
            table,
            [
                "400 invalid_request InvalidRequest Caller",
                "400 unsupported_grant_type UnsupportedGrantType Caller",
                "400 invalid_grant InvalidGrant Caller",
                "400 invalid_grant RefreshTokenReused Caller",
                "400 invalid_scope InvalidScope Caller",
                "400 unsupported_token_type UnsupportedTokenType Caller",
                "401 invalid_client InvalidClient Caller",
                "401 invalid_token InvalidToken Caller",
                "401 unauthorized | 400 invalid_grant UserBlocked Policy",
                "401 unauthorized | 400 invalid_target InvalidTarget Policy",
                "403 unauthorized_client | 401 invalid_client UnknownClient Policy",
                "403 unauthorized_client | 400 unauthorized_client UnauthorizedClient Policy",
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
    fn a_refusal_is_answered_in_the_terms_of_its_endpoint() {
        let refusal = Refusal::new(RefusalKind::UserBlocked, "user is blocked");
        assert_eq!((refusal.status(), refusal.code()), (401, "unauthorized"));
        let refusal = refusal.in_terms_of_oauth();
        assert_eq!((refusal.status(), refusal.code()), (400, "invalid_grant"));
        assert_eq!((refusal.kind(), refusal.description()), (RefusalKind::UserBlocked, "user is blocked"));
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
