//! The user of a refresh token: finds the token, and checks that this client may still use it.

use serde_json::{Map, Value};

use crate::client_authentication::ClientProof;
use crate::delegation::request::PresentedToken;
use crate::model::{ClientAuthentication, RefreshTokenRules, after};
use crate::ports::RefreshTokens;
use crate::prepared::{PreparedClient, PreparedTenant};
use crate::refresh_tokens::{RefreshToken, RefreshTokenHash};
use crate::refusal::{Refusal, RefusalKind};
use crate::strict_json::object;
use crate::subject_token::Subject;

/// A refresh token that a request presents.
#[derive(Debug, Clone)]
pub(crate) struct UsedRefreshToken {
    pub(crate) hash: RefreshTokenHash,
    pub(crate) token: RefreshToken,
    pub(crate) rules: RefreshTokenRules,
}

/// Finds the refresh token that this client presents at `now`, in unix seconds. One that was replaced before its client's
/// leeway ends its family.
///
/// # Errors
/// The token is unknown, of another client, revoked, expired or replaced, the client has no refresh tokens any more or does not
/// authenticate as it can, or the store is unavailable.
pub(super) async fn used_refresh_token(
    store: &dyn RefreshTokens,
    tenant: &PreparedTenant,
    client: &PreparedClient,
    proof: ClientProof,
    presented: &PresentedToken,
    now: i64,
) -> Result<UsedRefreshToken, Refusal> {
    let unknown = || unknown(presented.parameter);
    let hash = RefreshTokenHash::of(&presented.token).ok_or_else(unknown)?;
    let found = store.find(tenant.domain(), &hash).wait().await.map_err(Refusal::unavailable)?;
    let token = found.filter(|token| token.client_id == client.id()).ok_or_else(unknown)?;
    let rules = rules_of(client)?;
    if proof == ClientProof::None && client.client().authentication != ClientAuthentication::None {
        // RFC 6749 section 6, for the endpoint that authenticates nobody.
        let description = "the client must authenticate to use its refresh tokens; use /oauth/token";
        return Err(Refusal::new(RefusalKind::UnauthorizedClient, description));
    }
    if token.revoked_at.is_some() {
        return Err(unknown());
    }
    if token.has_expired(now) {
        return Err(Refusal::invalid_grant(format!("{} has expired", presented.parameter)));
    }
    // Without a leeway by any clock: this server may be behind the one that replaced the token.
    let is_over = |rotated_at| rules.leeway_seconds == 0 || after(rotated_at, rules.leeway_seconds) <= now;
    if token.rotated_at.is_some_and(is_over) {
        store
            .revoke_family(tenant.domain(), &token.family, now)
            .wait()
            .await
            .map_err(Refusal::unavailable)?;
        return Err(reused(presented.parameter));
    }
    Ok(UsedRefreshToken { hash, token, rules })
}

/// The rules of a client that may have refresh tokens.
pub(super) fn rules_of(client: &PreparedClient) -> Result<RefreshTokenRules, Refusal> {
    client.client().refresh_tokens.ok_or_else(|| {
        let description = "the client may not have refresh tokens: its grant_types do not name refresh_token";
        Refusal::new(RefusalKind::UnauthorizedClient, description)
    })
}

/// The refusal of a token that is not one, or not one any more.
pub(super) fn unknown(parameter: &str) -> Refusal {
    Refusal::invalid_grant(format!("unknown or revoked {parameter}"))
}

/// The refusal of a token that was replaced. The client learns no more than of one that is unknown.
pub(super) fn reused(parameter: &str) -> Refusal {
    Refusal::new(RefusalKind::RefreshTokenReused, format!("unknown or revoked {parameter}"))
        .because("a refresh token was used after its successor was issued, so its family is revoked")
}

/// What is granted to whom, as if a token of the tenant said it. The claims are written to `payload`.
pub(super) fn subject<'t>(
    used: &UsedRefreshToken,
    tenant: &PreparedTenant,
    payload: &'t mut Vec<u8>,
) -> Result<Subject<'t>, Refusal> {
    let RefreshToken { client_id, user_id, scope, act, signed_in_at, expires_at, .. } = &used.token;
    let mut claims = Map::from_iter([
        ("iss".to_owned(), tenant.issuer().into()),
        ("sub".to_owned(), user_id.as_str().into()),
    ]);
    claims.extend(act.clone().map(|act| ("act".to_owned(), act)));
    payload.clear();
    payload.extend_from_slice(Value::Object(claims).to_string().as_bytes());
    let claims = object(payload)
        .map_err(|why| Refusal::unavailable(format!("a stored refresh token is malformed: {why}")))?;
    Ok(Subject {
        user_id: user_id.clone(),
        expires_at: expires_at.unwrap_or(i64::MAX),
        signed_in_at: *signed_in_at,
        authorized_party: Some(client_id.clone()),
        scope: Some(scope.clone()),
        is_tenants: true,
        claims,
    })
}
