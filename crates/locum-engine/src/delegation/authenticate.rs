//! Authenticate: finds the tenant and the calling client, and verifies the tokens of the user and of the actor.

use std::net::IpAddr;
use std::sync::Arc;

use crate::client_authentication::{ClientProof, client_proof, delegating_tenant, known_client};
use crate::delegation::actor::Actor;
use crate::delegation::guess_check::{self, GuessCheck};
use crate::delegation::refresh_subject::{self, UsedRefreshToken, rules_of, used_refresh_token};
use crate::delegation::request::{DelegationRequest, PresentedKind, PresentedToken, Wanted};
use crate::delegation::subject::subject_of;
use crate::failure_limit::FailureLimit;
use crate::model::User;
use crate::ports::{Found, PortReply, Ports};
use crate::prepared::{PreparedClient, PreparedTenant};
use crate::refusal::{Refusal, RefusalKind};
use crate::subject_token::Subject;

/// A request of a known client for the user of a verified subject token.
#[derive(Debug)]
pub struct Authenticated<'t> {
    pub(crate) tenant: Arc<PreparedTenant>,
    pub(crate) client: Arc<PreparedClient>,
    pub(crate) proof: ClientProof,
    /// Boxed, as each step moves it to the next.
    pub(crate) request: Box<DelegationRequest>,
    pub(crate) subject: Subject<'t>,
    pub(crate) user: Option<Arc<User>>,
    pub(crate) actor: Option<Actor>,
    /// The presented refresh token, if it is one.
    pub(crate) refresh_token: Option<Box<UsedRefreshToken>>,
    pub(crate) guess_check: GuessCheck,
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
/// The host or the client is unknown, the client does not authenticate as it must, a token is invalid, the user or the actor
/// is blocked, or the directory or the keys of a token's issuer are unavailable.
pub async fn authenticate<'t>(
    ports: &Ports,
    tenant: Found<PreparedTenant>,
    mut request: Box<DelegationRequest>,
    ip: IpAddr,
    now_unix_ms: u64,
    payload: &'t mut Vec<u8>,
) -> Result<Authenticated<'t>, Refusal> {
    let tenant = delegating_tenant(tenant)?;
    let tenant = if request.subject.kind == PresentedKind::RefreshToken {
        Box::pin(up_to_date(ports, tenant)).await?
    } else {
        tenant
    };
    let client = known_client(ports, &tenant, &request.client_id, ip).await?;
    let credential = request.client_credential.as_ref();
    let proof = client_proof(ports, &tenant, &client, credential, request.endpoint, ip, now_unix_ms).await?;
    if request.wanted == Wanted::Refreshed {
        // RFC 6749 section 5.2: whether the token is valid does not matter.
        rules_of(&client)?;
    }
    let limit = guess_check::limit(ports, &tenant, ip, now_unix_ms);
    let mut guess_check = GuessCheck::begin(&limit, ports, &tenant, ip, now_unix_ms)?;
    if request.subject.kind == PresentedKind::RefreshToken {
        // What was replaced before ends its family as soon as it is looked up.
        std::mem::take(&mut guess_check).make().await?;
    }
    let tokens = Tokens { ports, tenant: &tenant, client: &client, proof, now_unix_ms };
    let verified = tokens.verify(&request.subject, "user is blocked", payload).await;
    let Verified { subject, user, refresh_token } = match verified {
        Ok(verified) => verified,
        Err(refusal) => return Err(Box::pin(told(refusal, guess_check, limit)).await),
    };
    let actor = match &request.actor {
        None => None,
        Some(actor) => match tokens.verify(actor, "the actor is blocked", &mut Vec::new()).await {
            Ok(verified) => Some(verified.subject.into()),
            Err(refusal) => return Err(Box::pin(told(refusal, guess_check, limit)).await),
        },
    };
    if let (Wanted::Refreshed, true, Some(scope)) = (request.wanted, request.scope.is_empty(), &subject.scope)
    {
        request.scope.clone_from(scope);
    }
    Ok(Authenticated {
        tenant,
        client,
        proof,
        request,
        subject,
        user,
        actor,
        refresh_token,
        guess_check,
        now_unix_ms,
    })
}

/// What a request is refused with whose token is: if too many were invalid before this one, that.
async fn told(refusal: Refusal, guess_check: GuessCheck, limit: FailureLimit<'_>) -> Refusal {
    if let Err(too_many) = guess_check.make().await {
        return too_many;
    }
    if matches!(refusal.kind(), RefusalKind::InvalidGrant | RefusalKind::RefreshTokenReused) {
        limit.count().await;
    }
    refusal
}

/// The tenant as it is now, and its client and user when they are looked up. A refresh token may be valid for weeks, so whoever ends
/// what it allows does not wait until the memory of each server is up to date.
async fn up_to_date(ports: &Ports, tenant: Arc<PreparedTenant>) -> Result<Arc<PreparedTenant>, Refusal> {
    let caught_up = match ports.directory.catch_up() {
        PortReply::Now(caught_up) => return caught_up.map(|()| tenant).map_err(Refusal::unavailable),
        PortReply::Later(caught_up) => caught_up.await,
    };
    caught_up.map_err(Refusal::unavailable)?;
    delegating_tenant(ports.directory.tenant(tenant.domain()).wait().await)
}

/// What the tokens of one request are verified by.
struct Tokens<'a> {
    ports: &'a Ports,
    tenant: &'a PreparedTenant,
    client: &'a PreparedClient,
    proof: ClientProof,
    now_unix_ms: u64,
}

/// A token that is what it claims to be.
struct Verified<'t> {
    subject: Subject<'t>,
    user: Option<Arc<User>>,
    refresh_token: Option<Box<UsedRefreshToken>>,
}

impl Tokens<'_> {
    /// Verifies a token, and looks up its user, who must not be blocked.
    async fn verify<'t>(
        &self,
        presented: &PresentedToken,
        blocked: &str,
        payload: &'t mut Vec<u8>,
    ) -> Result<Verified<'t>, Refusal> {
        let Self { ports: Ports { directory, .. }, tenant, .. } = self;
        let (subject, refresh_token) = self.subject(presented, payload).await?;
        let user = directory.user(tenant, &subject.user_id).wait().await.map_err(Refusal::unavailable)?;
        if user.as_ref().is_some_and(|user| user.blocked) {
            return Err(Refusal::new(RefusalKind::UserBlocked, blocked));
        }
        Ok(Verified { subject, user, refresh_token })
    }

    async fn subject<'t>(
        &self,
        presented: &PresentedToken,
        payload: &'t mut Vec<u8>,
    ) -> Result<(Subject<'t>, Option<Box<UsedRefreshToken>>), Refusal> {
        let Self {
            ports: Ports { issuer_keys, refresh_tokens, .. }, tenant, client, proof, now_unix_ms, ..
        } = self;
        if presented.kind != PresentedKind::RefreshToken {
            let subject =
                subject_of(&**issuer_keys, tenant, client, presented, *now_unix_ms, payload).await?;
            return Ok((subject, None));
        }
        let now = i64::try_from(now_unix_ms / 1000).unwrap_or(i64::MAX);
        let used = used_refresh_token(&**refresh_tokens, tenant, client, *proof, presented, now);
        let used = Box::pin(used).await?;
        Ok((refresh_subject::subject(&used, tenant, payload)?, Some(Box::new(used))))
    }
}
