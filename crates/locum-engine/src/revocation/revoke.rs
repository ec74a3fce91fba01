//! Revoke: ends the family of a refresh token, or calls the issuers of the add-ons in order, until one revokes the token.

use locum_abi::answer::RevokeAnswer;

use crate::delegation::refusal_of;
use crate::issuers::IssuerFailure;
use crate::ports::{CallContext, Ports, PresentedCredential, RefreshTokens};
use crate::prepared::PreparedAddOn;
use crate::refresh_tokens::RefreshTokenHash;
use crate::refusal::{Refusal, RefusalKind};
use crate::revocation::admit::AdmittedRevocation;
use crate::revocation::select::{Revocable, not_revocable};

/// Revokes a token. A token that no upstream knows counts as revoked (RFC 7009 section 2.2). The refusal of an internal
/// error contains `reference`.
///
/// # Errors
/// An issuer refuses or fails, or the store is unavailable.
pub async fn revoke(ports: &Ports, admitted: AdmittedRevocation, reference: &str) -> Result<(), Refusal> {
    let AdmittedRevocation { revocable, now_unix_ms } = admitted;
    if let Some(hash) = &revocable.refresh_token {
        return revoke_refresh_token(&*ports.refresh_tokens, &revocable, hash, now_unix_ms).await;
    }
    for add_on in revocable.add_ons() {
        let context = CallContext { now_unix_ms, entropy: ports.entropy.draw() };
        let presented =
            PresentedCredential { text: revocable.token.expose(), client_id: revocable.client.id() };
        if is_known_to(add_on, presented, context, reference).await? {
            break;
        }
    }
    Ok(())
}

/// Revokes the family of a token, if it is the client's. Whether the token was replaced before does not matter.
async fn revoke_refresh_token(
    store: &dyn RefreshTokens,
    revocable: &Revocable,
    hash: &RefreshTokenHash,
    now_unix_ms: u64,
) -> Result<(), Refusal> {
    let domain = revocable.tenant.domain();
    let found = store.find(domain, hash).wait().await.map_err(Refusal::unavailable)?;
    let Some(token) = found.filter(|token| token.client_id == revocable.client.id()) else { return Ok(()) };
    let now = i64::try_from(now_unix_ms / 1000).unwrap_or(i64::MAX);
    store.revoke_family(domain, &token.family, now).wait().await.map_err(Refusal::unavailable)
}

async fn is_known_to(
    add_on: &PreparedAddOn,
    presented: PresentedCredential<'_>,
    context: CallContext,
    reference: &str,
) -> Result<bool, Refusal> {
    let fault = |inside: String| Refusal::fault(RefusalKind::ServerError, reference, inside);
    let issuer = add_on.issuer().map_err(|failure| fault(format!("{}: {failure}", add_on.api_type())))?;
    if issuer.is_paused() {
        return Err(refusal_of(IssuerFailure::Paused, reference));
    }
    match issuer.revoke(presented, context).await.map_err(|failure| refusal_of(failure, reference))? {
        RevokeAnswer::Revoked => Ok(true),
        RevokeAnswer::AlreadyGone => Ok(false),
        RevokeAnswer::NotRevocable => Err(not_revocable()),
        RevokeAnswer::Call { .. } | RevokeAnswer::Unknown => {
            Err(fault("the issuer's answer to the revocation is not one of the contract".to_owned()))
        }
    }
}
