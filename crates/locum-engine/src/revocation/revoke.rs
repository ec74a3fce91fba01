//! Revoke: calls the issuers of the add-ons in order, until one revokes the token.

use locum_abi::answer::RevokeAnswer;

use crate::delegation::refusal_of;
use crate::issuers::IssuerFailure;
use crate::ports::{CallContext, Entropy};
use crate::prepared::PreparedAddOn;
use crate::refusal::{Refusal, RefusalKind};
use crate::revocation::admit::AdmittedRevocation;
use crate::revocation::select::not_revocable;

/// Revokes a token. A token that no upstream knows counts as revoked (RFC 7009 section 2.2). The refusal of an internal
/// error contains `reference`.
///
/// # Errors
/// An issuer refuses, or fails.
pub async fn revoke(
    entropy: &dyn Entropy,
    admitted: AdmittedRevocation,
    reference: &str,
) -> Result<(), Refusal> {
    let AdmittedRevocation { revocable, now_unix_ms } = admitted;
    for add_on in revocable.add_ons() {
        let context = CallContext { now_unix_ms, entropy: entropy.draw() };
        if is_known_to(add_on, revocable.token.expose(), context, reference).await? {
            break;
        }
    }
    Ok(())
}

async fn is_known_to(
    add_on: &PreparedAddOn,
    token: &str,
    context: CallContext,
    reference: &str,
) -> Result<bool, Refusal> {
    let fault = |inside: String| Refusal::fault(RefusalKind::ServerError, reference, inside);
    let issuer = add_on.issuer().map_err(|failure| fault(format!("{}: {failure}", add_on.api_type())))?;
    if issuer.is_paused() {
        return Err(refusal_of(IssuerFailure::Paused, reference));
    }
    match issuer.revoke(token, context).await.map_err(|failure| refusal_of(failure, reference))? {
        RevokeAnswer::Revoked => Ok(true),
        RevokeAnswer::AlreadyGone => Ok(false),
        RevokeAnswer::NotRevocable => Err(not_revocable()),
        RevokeAnswer::Call { .. } | RevokeAnswer::Unknown => {
            Err(fault("the issuer's answer to the revocation is not one of the contract".to_owned()))
        }
    }
}
