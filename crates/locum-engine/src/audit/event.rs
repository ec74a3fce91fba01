//! The audit event.

use std::net::IpAddr;

use crate::refusal::Refusal;

/// What happened, in the tenant log's own codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditCode {
    /// `sd`: a successful delegation.
    Success,
    /// `fd`: a failed one.
    Failure,
    /// `limit_delegation`: one that the rate limit refused.
    Limited,
    /// `srrt`: a credential was revoked.
    Revoked,
    /// `frrt`: a revocation was refused.
    RevocationFailure,
}

impl AuditCode {
    /// The code as logs spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "sd",
            Self::Failure => "fd",
            Self::Limited => "limit_delegation",
            Self::Revoked => "srrt",
            Self::RevocationFailure => "frrt",
        }
    }
}

/// What is recorded of one request. It holds no token, no secret and no free-form parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// When the request arrived, unix milliseconds.
    pub at_unix_ms: u64,
    /// What happened.
    pub code: AuditCode,
    /// The reference of the request. The client is told it when the fault is inside.
    pub reference: String,
    /// The host that the request was for.
    pub host: String,
    /// The caller's address.
    pub ip: IpAddr,
    /// The tenant, once it is known.
    pub tenant: Option<String>,
    /// The calling client.
    pub client_id: Option<String>,
    /// The user, once the subject token was verified.
    pub user_id: Option<String>,
    /// The target.
    pub target: Option<String>,
    /// The api_type.
    pub api_type: Option<String>,
    /// The scope.
    pub scope: Option<String>,
    /// `device` of the request.
    pub device: Option<String>,
    /// The subject token's SHA-256, hex.
    pub subject_token_sha256: Option<String>,
    /// When the credential expires, unix seconds.
    pub expires_at: Option<i64>,
    /// Why the request was refused.
    pub refusal: Option<AuditRefusal>,
    /// The `Auth0-Client` header as it came, cut.
    pub auth0_client: Option<String>,
    /// The `User-Agent` header as it came, cut.
    pub user_agent: Option<String>,
    /// Whether the rate limiter could not be asked and the request went on uncounted.
    pub uncounted: bool,
    /// Whether an earlier request with the same grant was answered with this credential too.
    pub reused: bool,
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRefusal {
    /// The HTTP status.
    pub status: u16,
    /// The `error` member.
    pub code: &'static str,
    /// The `error_description` member.
    pub description: String,
    /// What only the audit is told.
    pub inside: Option<String>,
}

impl AuditRefusal {
    pub(crate) fn of(refusal: &Refusal) -> Self {
        Self {
            status: refusal.status(),
            code: refusal.code(),
            description: refusal.description().to_owned(),
            inside: refusal.inside().map(str::to_owned),
        }
    }
}
