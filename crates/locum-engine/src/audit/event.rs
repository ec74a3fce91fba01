//! The audit event.

use std::net::IpAddr;

use crate::refusal::Refusal;

/// What happened, as a code of Auth0's tenant log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditCode {
    /// `sd`: a successful delegation.
    Success,
    /// `fd`: a delegation that was refused, or failed.
    Failure,
    /// `secte`: a successful token exchange.
    Exchanged,
    /// `fecte`: a token exchange that was refused, or failed.
    ExchangeFailure,
    /// `sertft`: new tokens by a refresh token.
    Refreshed,
    /// `fertft`: that was refused, or failed.
    RefreshFailure,
    /// `ferrt`: a refresh token was used after it was replaced, and its family is revoked.
    RefreshTokenReused,
    /// `seccft`: a client has got a management token.
    ClientCredentials,
    /// `feccft`: that was refused, or failed.
    ClientCredentialsFailure,
    /// `limit_delegation`: a delegation or token exchange that the rate limit refused.
    Limited,
    /// `srrt`: a credential was revoked.
    Revoked,
    /// `frrt`: a revocation was refused.
    RevocationFailure,
    /// `sapi`: a change by the Management API.
    Managed,
    /// `fapi`: a call of the Management API was refused, or failed. Those that read and are answered have no event.
    ManagementFailure,
    /// `locum_fintrospect`: an introspection was refused. Those that are answered have no event.
    IntrospectionFailure,
    /// `locum_fprofile`: a request for a profile was refused. Those that are answered have no event.
    ProfileFailure,
}

impl AuditCode {
    /// The code as it is logged.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "sd",
            Self::Failure => "fd",
            Self::Exchanged => "secte",
            Self::ExchangeFailure => "fecte",
            Self::Refreshed => "sertft",
            Self::RefreshFailure => "fertft",
            Self::RefreshTokenReused => "ferrt",
            Self::ClientCredentials => "seccft",
            Self::ClientCredentialsFailure => "feccft",
            Self::Limited => "limit_delegation",
            Self::Revoked => "srrt",
            Self::RevocationFailure => "frrt",
            Self::Managed => "sapi",
            Self::ManagementFailure => "fapi",
            Self::IntrospectionFailure => "locum_fintrospect",
            Self::ProfileFailure => "locum_fprofile",
        }
    }
}

/// What is recorded about one request. It contains no token, no secret and no free-form parameter; in texts from the
/// client what looks like a JWT is masked, and they are truncated to [`AUDIT_TEXT_MAX`](crate::limits::AUDIT_TEXT_MAX) characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// When the request arrived, in milliseconds since the unix epoch.
    pub at_unix_ms: u64,
    /// What happened.
    pub code: AuditCode,
    /// The reference of the request: 16 hexadecimal digits. The answer to an internal error contains it.
    pub reference: String,
    /// The host name that the request was sent to.
    pub host: String,
    /// The client's address.
    pub ip: IpAddr,
    /// The tenant's domain; absent if the request was not authenticated.
    pub tenant: Option<String>,
    /// The `client_id` of the calling client.
    pub client_id: Option<String>,
    /// The user's id; absent if the request was not authenticated, and for a revocation.
    pub user_id: Option<String>,
    /// The `sub` of who acts for the user, if the request named an actor; of who calls the Management API.
    pub actor: Option<String>,
    /// The `client_id` of the authorised target; if the request was refused before, what was requested. Of a management token its
    /// `aud`.
    pub target: Option<String>,
    /// The authorised api_type; if the request was refused before, the requested one.
    pub api_type: Option<String>,
    /// The requested scopes, separated by spaces; of a management token that was issued, the granted ones.
    pub scope: Option<String>,
    /// The parameter `device`.
    pub device: Option<String>,
    /// SHA-256 of the subject token, or of the token to revoke, in hexadecimal.
    pub subject_token_sha256: Option<String>,
    /// When the issued credential expires, in unix seconds; absent if the issuer does not state it.
    pub expires_at: Option<i64>,
    /// Why the request was refused; absent if it succeeded.
    pub refusal: Option<AuditRefusal>,
    /// The `Auth0-Client` header, truncated.
    pub auth0_client: Option<String>,
    /// The `User-Agent` header, truncated.
    pub user_agent: Option<String>,
    /// Whether the request was served without being counted, because the rate-limit buckets were unavailable.
    pub uncounted: bool,
    /// Whether the credential was issued for an earlier request with an equal grant.
    pub reused: bool,
    /// What the Management API was called for; absent for all other requests.
    pub management: Option<Box<ManagementCall>>,
}

/// A call of the Management API. It has names of fields and no values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ManagementCall {
    /// What is called for, such as `update_client`: the `operationId` of its OpenAPI description.
    pub operation: &'static str,
    /// The id of the client, user or grant; absent if the call is not about one.
    pub resource: Option<String>,
    /// The fields that were changed, separated by spaces; absent if none were.
    pub fields: Option<String>,
    /// The `jti` of the token; absent if it was not valid.
    pub token_id: Option<String>,
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRefusal {
    /// The HTTP status.
    pub status: u16,
    /// The member `error` of the answer.
    pub code: &'static str,
    /// The member `error_description` of the answer.
    pub description: String,
    /// The internal cause, which the client does not receive.
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
