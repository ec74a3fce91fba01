//! Who: the tenant of the host, the calling client, and the user that the subject token speaks of.

use std::sync::Arc;

use locum_abi::secret::Secret;

use crate::claims::{self, Expectation, Subject};
use crate::ports::Directory;
use crate::refusal::{Refusal, RefusalKind};
use crate::request::{Caller, DelegationRequest, SubjectToken};
use crate::tenant::{Client, ClientVerification, Tenant};
use crate::token::{self, VerificationKey};

/// A request of a known client for a user whose token was verified.
#[derive(Debug)]
pub struct Authenticated {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) request: DelegationRequest,
    pub(crate) subject: Subject,
    pub(crate) now_unix_ms: u64,
}

impl Authenticated {
    /// The user's id.
    pub fn user_id(&self) -> &str {
        &self.subject.user_id
    }

    /// The tenant's domain.
    pub fn tenant_domain(&self) -> &str {
        &self.tenant.domain
    }
}

/// Authenticates a request.
///
/// # Errors
/// The refusal: unknown host, unknown client, a subject token that is not good, a blocked user.
pub async fn authenticate(
    directory: &dyn Directory,
    request: DelegationRequest,
    caller: &Caller,
    now_unix_ms: u64,
) -> Result<Authenticated, Refusal> {
    let tenant = delegating_tenant(directory, &caller.host).await?;
    let client = known_client(&tenant, &request.client_id)?;
    let subject = match &request.subject {
        SubjectToken::IdToken(token) => subject_of(&tenant, client, token, now_unix_ms)?,
        // Locum keeps no refresh tokens yet, so none is known: the answer is that of an unknown one.
        SubjectToken::RefreshToken(_) => {
            return Err(Refusal::invalid_grant("unknown or revoked refresh_token"));
        }
    };
    if tenant.users.get(&subject.user_id).is_some_and(|user| user.blocked) {
        return Err(Refusal::new(RefusalKind::Unauthorized, "user is blocked"));
    }
    Ok(Authenticated { tenant, request, subject, now_unix_ms })
}

/// The tenant of a host, if delegation is on there. Both other cases look alike from outside.
pub(crate) async fn delegating_tenant(directory: &dyn Directory, host: &str) -> Result<Arc<Tenant>, Refusal> {
    let tenant = directory.tenant(host).await.map_err(|unavailable| {
        Refusal::new(RefusalKind::TemporarilyUnavailable, "try again later").because(unavailable)
    })?;
    tenant
        .filter(|tenant| tenant.delegation.enabled)
        .ok_or_else(|| Refusal::new(RefusalKind::NotFound, "delegation is not available here"))
}

pub(crate) fn known_client<'t>(tenant: &'t Tenant, client_id: &str) -> Result<&'t Client, Refusal> {
    tenant
        .clients
        .get(client_id)
        .ok_or_else(|| Refusal::new(RefusalKind::UnauthorizedClient, "invalid client"))
}

fn subject_of(
    tenant: &Tenant,
    client: &Client,
    token: &Secret,
    now_unix_ms: u64,
) -> Result<Subject, Refusal> {
    let refused = |fact: &dyn std::fmt::Display| Refusal::invalid_grant(fact.to_string());
    let keys: Vec<&VerificationKey> = match &client.verification {
        ClientVerification::Secret(key) => vec![key],
        ClientVerification::TenantKeys => tenant.keys.iter().map(|key| &key.verification).collect(),
        ClientVerification::Nothing => Vec::new(),
    };
    let claims = token::verify(token.expose(), &keys).map_err(|fact| refused(&fact))?;
    let expected = Expectation {
        issuer: &tenant.issuer(),
        audience: &client.id,
        now: i64::try_from(now_unix_ms / 1000).unwrap_or(i64::MAX),
        leeway_seconds: i64::try_from(tenant.delegation.leeway_seconds).unwrap_or(i64::MAX),
    };
    claims::check(claims, expected).map_err(|fact| refused(&fact))
}
