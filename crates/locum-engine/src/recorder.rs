//! Fills in the audit event of a request after each step.

use aws_lc_rs::digest::{SHA256, digest};
use locum_abi::secret::Secret;

use crate::audit::{AuditCode, AuditEvent, AuditRefusal, ManagementCall};
use crate::bucket::BucketDecision;
use crate::credential::Issued;
use crate::delegation::{Authenticated, Authorized, Caller, DelegationRequest, Wanted};
use crate::limits::AUDIT_TEXT_MAX;
use crate::management::{ClientCredentialsRequest, GrantedToken, ManagementActor, ManagementCaller};
use crate::mask::mask_tokens;
use crate::observer::Endpoint;
use crate::ports::Ports;
use crate::prepared::PreparedTenant;
use crate::refusal::{Refusal, RefusalKind};

/// The event of a request that is being served.
pub(crate) struct Recorder {
    pub(crate) now_unix_ms: u64,
    pub(crate) reference: String,
    pub(crate) rate: Option<BucketDecision>,
    /// Whether the grant is `refresh_token`.
    is_refreshed: bool,
    event: AuditEvent,
}

impl Recorder {
    pub(crate) fn open(ports: &Ports, reference: String, caller: &Caller) -> Self {
        let now_unix_ms = ports.clock.now_unix_ms();
        Self {
            now_unix_ms,
            rate: None,
            is_refreshed: false,
            event: AuditEvent {
                at_unix_ms: now_unix_ms,
                code: AuditCode::Failure,
                reference: reference.clone(),
                host: shown(&caller.host),
                ip: caller.ip,
                tenant: None,
                client_id: None,
                user_id: None,
                actor: None,
                target: None,
                api_type: None,
                scope: None,
                device: None,
                subject_token_sha256: None,
                expires_at: None,
                refusal: None,
                auth0_client: caller.auth0_client.as_deref().map(shown),
                user_agent: caller.user_agent.as_deref().map(shown),
                uncounted: false,
                reused: false,
                management: None,
            },
            reference,
        }
    }

    /// Notes the tenant that was found at the host.
    pub(crate) fn found(&mut self, tenant: Option<&PreparedTenant>) {
        self.event.tenant = tenant.map(|tenant| tenant.domain().to_owned());
    }

    pub(crate) fn parsed(&mut self, request: &DelegationRequest) {
        self.is_refreshed = request.wanted == Wanted::Refreshed;
        self.event.client_id = Some(shown(&request.client_id));
        self.event.target = request.target.as_deref().or(request.resource.as_deref()).map(shown);
        self.event.api_type = request.api_type.as_deref().map(shown);
        self.event.scope = Some(shown(&request.scope.join(" ")));
        self.event.device = request.device.as_deref().map(shown);
        self.event.subject_token_sha256 = Some(sha256_hex(request.subject.token.expose()));
    }

    pub(crate) fn authenticated(&mut self, authenticated: &Authenticated<'_>) {
        self.event.tenant = Some(authenticated.tenant_domain().to_owned());
        self.event.user_id = Some(authenticated.user_id().to_owned());
        if self.is_refreshed {
            // Those of the token, if none are requested.
            self.event.scope = Some(shown(&authenticated.request.scope.join(" ")));
        }
        self.event.actor = authenticated.actor.as_ref().map(|actor| shown(&actor.sub));
    }

    /// Records the decision of the rate limiter.
    pub(crate) fn counted<T>(&mut self, rate: Option<BucketDecision>, outcome: &Result<T, Refusal>) {
        self.rate = rate;
        self.event.uncounted = rate.is_none() && outcome.is_ok();
    }

    pub(crate) fn authorized(&mut self, authorized: &Authorized) {
        self.event.target = Some(authorized.grant.target_id.clone());
        self.event.api_type = Some(authorized.api_type.clone());
    }

    /// Notes the client of a revocation or introspection, and the token that it is about.
    pub(crate) fn asked_about(&mut self, client_id: &str, token: &Secret) {
        self.client(client_id);
        self.presented(token);
    }

    pub(crate) fn client(&mut self, client_id: &str) {
        self.event.client_id = Some(shown(client_id));
    }

    pub(crate) fn presented(&mut self, token: &Secret) {
        self.event.subject_token_sha256 = Some(sha256_hex(token.expose()));
    }

    /// Notes the user of a token that was verified.
    pub(crate) fn user(&mut self, user_id: &str) {
        self.event.user_id = Some(user_id.to_owned());
    }

    /// The authorised api_type; before that, the requested one.
    pub(crate) fn api_type(&self) -> Option<&str> {
        self.event.api_type.as_deref()
    }

    pub(crate) fn delegation_event(
        self,
        endpoint: Endpoint,
        outcome: Result<&Issued, &Refusal>,
    ) -> AuditEvent {
        let (success, failure) = match endpoint {
            Endpoint::Token if self.is_refreshed => (AuditCode::Refreshed, AuditCode::RefreshFailure),
            Endpoint::Token => (AuditCode::Exchanged, AuditCode::ExchangeFailure),
            Endpoint::Delegation
            | Endpoint::Revocation
            | Endpoint::Introspection
            | Endpoint::TokenInfo
            | Endpoint::UserInfo
            | Endpoint::Management => (AuditCode::Success, AuditCode::Failure),
        };
        let code = match outcome {
            Ok(_) => success,
            Err(refusal)
                if matches!(
                    refusal.kind(),
                    RefusalKind::TooManyRequests | RefusalKind::TooManyInvalidTokens
                ) =>
            {
                AuditCode::Limited
            }
            Err(refusal) if refusal.kind() == RefusalKind::RefreshTokenReused => {
                AuditCode::RefreshTokenReused
            }
            Err(_) => failure,
        };
        let expires_at = outcome.ok().and_then(|issued| issued.expires_at);
        let reused = outcome.is_ok_and(|issued| issued.reused);
        let refusal = outcome.err().map(AuditRefusal::of);
        AuditEvent { code, expires_at, reused, refusal, ..self.event }
    }

    /// Notes what a client asks for by its own credentials.
    pub(crate) fn client_credentials(&mut self, request: &ClientCredentialsRequest) {
        self.event.client_id = Some(shown(&request.client_id));
        self.event.target = Some(shown(&request.audience));
        self.event.scope = request.scope.as_ref().map(|words| shown(&words.join(" ")));
    }

    /// The event of a management token that a client has asked for. What it was granted takes the place of what it requested.
    pub(crate) fn client_credentials_event(self, outcome: Result<&GrantedToken, &Refusal>) -> AuditEvent {
        match outcome {
            Ok(granted) => AuditEvent {
                code: AuditCode::ClientCredentials,
                scope: Some(shown(&granted.scope)),
                expires_at: Some(granted.expires_at),
                ..self.event
            },
            Err(refusal) => AuditEvent {
                code: AuditCode::ClientCredentialsFailure,
                refusal: Some(AuditRefusal::of(refusal)),
                ..self.event
            },
        }
    }

    /// Notes whose valid token a call of the Management API has.
    pub(crate) fn managed_by(&mut self, caller: &ManagementCaller) {
        self.event.tenant = Some(caller.tenant().domain().to_owned());
        self.event.actor = Some(caller.subject());
        if let ManagementActor::Client { client_id } = caller.actor() {
            self.event.client_id = Some(client_id.clone());
        }
        let token_id = Some(caller.token_id().to_owned());
        self.event.management = Some(Box::new(ManagementCall { token_id, ..ManagementCall::default() }));
    }

    /// The event of a call of the Management API.
    pub(crate) fn management_event(
        &self,
        operation: &'static str,
        resource: Option<&str>,
        fields: &[&str],
        refusal: Option<AuditRefusal>,
    ) -> AuditEvent {
        let code = if refusal.is_none() { AuditCode::Managed } else { AuditCode::ManagementFailure };
        let token_id = self.event.management.as_ref().and_then(|call| call.token_id.clone());
        let fields = Some(fields).filter(|fields| !fields.is_empty()).map(|fields| shown(&fields.join(" ")));
        let call = ManagementCall { operation, resource: resource.map(shown), fields, token_id };
        AuditEvent { code, refusal, management: Some(Box::new(call)), ..self.event.clone() }
    }

    pub(crate) fn revocation_event(self, refusal: Option<&Refusal>) -> AuditEvent {
        let code = if refusal.is_none() { AuditCode::Revoked } else { AuditCode::RevocationFailure };
        AuditEvent { code, refusal: refusal.map(AuditRefusal::of), ..self.event }
    }

    /// The event of an introspection that is refused.
    pub(crate) fn introspection_event(self, refusal: &Refusal) -> AuditEvent {
        let code = AuditCode::IntrospectionFailure;
        AuditEvent { code, refusal: Some(AuditRefusal::of(refusal)), ..self.event }
    }

    /// The event of a request for a profile that is refused.
    pub(crate) fn profile_event(self, refusal: &Refusal) -> AuditEvent {
        let code = AuditCode::ProfileFailure;
        AuditEvent { code, refusal: Some(AuditRefusal::of(refusal)), ..self.event }
    }
}

fn sha256_hex(text: &str) -> String {
    let mut digits = [b'0'; 64];
    let written = hex::encode_to_slice(digest(&SHA256, text.as_bytes()), &mut digits);
    debug_assert!(written.is_ok(), "two digits for each of 32 bytes");
    String::from_utf8(digits.to_vec()).unwrap_or_default()
}

/// A text of the request, without tokens that somebody put into the wrong place.
fn shown(text: &str) -> String {
    let mut shown = mask_tokens(text).into_owned();
    if shown.len() > AUDIT_TEXT_MAX
        && let Some((end, _)) = shown.char_indices().nth(AUDIT_TEXT_MAX)
    {
        shown.truncate(end);
    }
    shown
}
