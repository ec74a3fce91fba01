//! The audit event: one for each request, whatever its outcome.

use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};

use crate::authenticate::Authenticated;
use crate::authorize::Authorized;
use crate::bucket::BucketDecision;
use crate::engine::Ports;
use crate::issue::Issued;
use crate::limits::AUDIT_TEXT_MAX;
use crate::refusal::{Refusal, RefusalKind};
use crate::request::{Caller, DelegationRequest, SubjectToken};
use crate::tenant::Tenant;

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

/// One request, for whoever keeps the record. No token stands in it, no secret, no free-form parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// When, unix milliseconds.
    pub at_unix_ms: u64,
    /// What.
    pub code: AuditCode,
    /// Under which reference, also told to the client when the fault is inside.
    pub reference: String,
    /// The host that was asked.
    pub host: String,
    /// From where.
    pub ip: IpAddr,
    /// The tenant, once it is known.
    pub tenant: Option<String>,
    /// Who asked.
    pub client_id: Option<String>,
    /// For whom, once the token was verified.
    pub user_id: Option<String>,
    /// For what.
    pub target: Option<String>,
    /// Which issuer.
    pub api_type: Option<String>,
    /// Which scope.
    pub scope: Option<String>,
    /// `device` of the request.
    pub device: Option<String>,
    /// The subject token's SHA-256, hex.
    pub subject_token_sha256: Option<String>,
    /// When the credential ends, unix seconds.
    pub expires_at: Option<i64>,
    /// Why not: status, code, what the client was told, and what it was not told.
    pub refusal: Option<AuditRefusal>,
    /// The `Auth0-Client` header as it came, cut.
    pub auth0_client: Option<String>,
    /// The `User-Agent` header as it came, cut.
    pub user_agent: Option<String>,
    /// Whether the rate limiter could not be asked and the request went on uncounted.
    pub uncounted: bool,
    /// Whether the credential is one that an earlier request with the same grant was given too.
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
    /// What only the log is told.
    pub inside: Option<String>,
}

/// The event of a request while the request lives.
pub(crate) struct Record {
    pub(crate) now_unix_ms: u64,
    pub(crate) reference: String,
    pub(crate) rate: Option<BucketDecision>,
    event: AuditEvent,
}

impl Record {
    pub(crate) fn open(ports: &Ports, caller: &Caller) -> Self {
        let now_unix_ms = ports.clock.now_unix_ms();
        let reference = hex(ports.entropy.draw().iter().take(8));
        Self {
            now_unix_ms,
            rate: None,
            event: AuditEvent {
                at_unix_ms: now_unix_ms,
                code: AuditCode::Failure,
                reference: reference.clone(),
                host: cut(&caller.host),
                ip: caller.ip,
                tenant: None,
                client_id: None,
                user_id: None,
                target: None,
                api_type: None,
                scope: None,
                device: None,
                subject_token_sha256: None,
                expires_at: None,
                refusal: None,
                auth0_client: caller.auth0_client.as_deref().map(cut),
                user_agent: caller.user_agent.as_deref().map(cut),
                uncounted: false,
                reused: false,
            },
            reference,
        }
    }

    pub(crate) fn understood(&mut self, request: &DelegationRequest) {
        let (SubjectToken::IdToken(token) | SubjectToken::RefreshToken(token)) = &request.subject;
        self.event.client_id = Some(cut(&request.client_id));
        self.event.target = request.target.as_deref().map(cut);
        self.event.api_type = request.api_type.as_deref().map(cut);
        self.event.scope = Some(cut(&request.scope.join(" ")));
        self.event.device = request.device.as_deref().map(cut);
        self.event.subject_token_sha256 = Some(hex(digest(&SHA256, token.expose().as_bytes()).as_ref()));
    }

    pub(crate) fn authenticated(&mut self, authenticated: &Authenticated) {
        self.event.tenant = Some(authenticated.tenant_domain().to_owned());
        self.event.user_id = Some(authenticated.user_id().to_owned());
    }

    pub(crate) fn counted<T>(&mut self, rate: Option<BucketDecision>, outcome: &Result<T, Refusal>) {
        self.rate = rate;
        self.event.uncounted = rate.is_none() && outcome.is_ok();
    }

    pub(crate) fn authorized(&mut self, authorized: &Authorized) {
        self.event.target = Some(authorized.grant.target_id.clone());
        self.event.api_type = Some(authorized.api_type.clone());
    }

    pub(crate) fn revoking(&mut self, tenant: &Tenant, client_id: &str, token: &str) {
        self.event.tenant = Some(tenant.domain.clone());
        self.event.client_id = Some(client_id.to_owned());
        self.event.subject_token_sha256 = Some(hex(digest(&SHA256, token.as_bytes()).as_ref()));
    }

    pub(crate) fn of_delegation(self, outcome: &Result<Issued, Refusal>) -> AuditEvent {
        let code = match outcome {
            Ok(_) => AuditCode::Success,
            Err(refusal) if refusal.kind() == RefusalKind::TooManyRequests => AuditCode::Limited,
            Err(_) => AuditCode::Failure,
        };
        let expires_at = outcome.as_ref().ok().and_then(|issued| issued.expires_at);
        let reused = outcome.as_ref().is_ok_and(|issued| issued.reused);
        let refusal = outcome.as_ref().err().map(AuditRefusal::of);
        AuditEvent { code, expires_at, reused, refusal, ..self.event }
    }

    pub(crate) fn of_revocation(self, outcome: &Result<(), Refusal>) -> AuditEvent {
        let code = if outcome.is_ok() { AuditCode::Revoked } else { AuditCode::RevocationFailure };
        AuditEvent { code, refusal: outcome.as_ref().err().map(AuditRefusal::of), ..self.event }
    }
}

impl AuditRefusal {
    fn of(refusal: &Refusal) -> Self {
        Self {
            status: refusal.status(),
            code: refusal.code(),
            description: refusal.description().to_owned(),
            inside: refusal.inside().map(str::to_owned),
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(AUDIT_TEXT_MAX).collect()
}

fn hex<'b>(bytes: impl IntoIterator<Item = &'b u8>) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    bytes.into_iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
