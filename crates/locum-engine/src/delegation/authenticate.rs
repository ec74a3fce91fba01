//! Authenticate: finds the tenant and the calling client, and verifies the subject token.

use std::net::IpAddr;
use std::sync::Arc;

use crate::delegation::invalid_tokens::InvalidTokenLimit;
use crate::delegation::request::{DelegationRequest, SubjectToken};
use crate::delegation::subject::subject_of;
use crate::model::User;
use crate::ports::{Directory, Found, Ports, StoreUnavailable};
use crate::prepared::{PreparedClient, PreparedTenant};
use crate::refusal::{Refusal, RefusalKind};
use crate::subject_token::Subject;

/// A request of a known client for the user of a verified subject token.
#[derive(Debug)]
pub struct Authenticated<'t> {
    pub(crate) tenant: Arc<PreparedTenant>,
    pub(crate) client: Arc<PreparedClient>,
    pub(crate) request: DelegationRequest,
    pub(crate) subject: Subject<'t>,
    pub(crate) user: Option<Arc<User>>,
    pub(crate) now_unix_ms: u64,
}

impl Authenticated<'_> {
    /// The user's id.
    pub fn user_id(&self) -> &str {
        &self.subject.user_id
    }

    /// The time of the request, in unix seconds.
    pub(crate) fn now(&self) -> i64 {
        i64::try_from(self.now_unix_ms / 1000).unwrap_or(i64::MAX)
    }

    /// The tenant's domain.
    pub fn tenant_domain(&self) -> &str {
        self.tenant.domain()
    }
}

/// Authenticates a request to the tenant of its host. `now_unix_ms` is in milliseconds since the unix epoch; `payload`
/// receives the decoded claims of the subject token, from which the result borrows.
///
/// # Errors
/// The host or the client is unknown, the subject token is invalid, the user is blocked, or the directory or the keys of
/// the token's issuer are unavailable.
pub async fn authenticate<'t>(
    ports: &Ports,
    tenant: Found<PreparedTenant>,
    request: DelegationRequest,
    ip: IpAddr,
    now_unix_ms: u64,
    payload: &'t mut Vec<u8>,
) -> Result<Authenticated<'t>, Refusal> {
    let Ports { directory, buckets, issuer_keys, .. } = ports;
    let tenant = delegating_tenant(tenant)?;
    let client = known_client(&**directory, &tenant, &request.client_id).await?;
    let limit = InvalidTokenLimit::new(&**buckets, &tenant, ip, now_unix_ms);
    limit.check().await?;
    let subject = match &request.subject {
        SubjectToken::IdToken(token) => {
            subject_of(&**issuer_keys, &tenant, &client, token, now_unix_ms, payload).await
        }
        // Locum stores no refresh tokens yet, so each is unknown.
        SubjectToken::RefreshToken(_) => Err(Refusal::invalid_grant("unknown or revoked refresh_token")),
    };
    let subject = match subject {
        Ok(subject) => subject,
        Err(refusal) => {
            if refusal.kind() == RefusalKind::InvalidGrant {
                limit.count().await;
            }
            return Err(refusal);
        }
    };
    let user = directory.user(&tenant, &subject.user_id).wait().await.map_err(try_again)?;
    if user.as_ref().is_some_and(|user| user.blocked) {
        return Err(Refusal::new(RefusalKind::Unauthorized, "user is blocked"));
    }
    Ok(Authenticated { tenant, client, request, subject, user, now_unix_ms })
}

/// The tenant, if delegation is enabled. Otherwise the refusal is the same as for an unknown host, so that nobody can
/// probe for tenants.
pub(crate) fn delegating_tenant(tenant: Found<PreparedTenant>) -> Result<Arc<PreparedTenant>, Refusal> {
    tenant
        .map_err(try_again)?
        .filter(|tenant| tenant.delegation().enabled)
        .ok_or_else(|| Refusal::new(RefusalKind::NotFound, "delegation is not available here"))
}

pub(crate) async fn known_client(
    directory: &dyn Directory,
    tenant: &PreparedTenant,
    client_id: &str,
) -> Result<Arc<PreparedClient>, Refusal> {
    let client = directory.client(tenant, client_id).wait().await.map_err(try_again)?;
    client.ok_or_else(|| Refusal::new(RefusalKind::UnauthorizedClient, "invalid client"))
}

pub(super) fn try_again(unavailable: StoreUnavailable) -> Refusal {
    Refusal::new(RefusalKind::TemporarilyUnavailable, "try again later").because(unavailable)
}
