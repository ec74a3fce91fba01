//! Chains and sessions: whether a token that was issued at the request of one client may be exchanged by another, and for
//! how long after sign-in tokens may be exchanged, each for the next.

use crate::client_authentication::ClientProof;
use crate::delegation::authenticate::Authenticated;
use crate::model::Chains;
use crate::ports::{Directory, StoreUnavailable};
use crate::refusal::Refusal;

/// Whether the token is one of a chain, so one whose `azp` is not the calling client.
///
/// Otherwise `allowed_clients` could be bypassed: whoever may reach `api` could present the token for `api` as `api`, and
/// reach what only `api` may.
///
/// # Errors
/// It is, and the tenant's policy does not allow this client to exchange it.
pub(super) async fn check_chain(
    directory: &dyn Directory,
    authenticated: &Authenticated<'_>,
) -> Result<bool, Refusal> {
    if !is_chain(directory, authenticated).await.map_err(Refusal::unavailable)? {
        return Ok(false);
    }
    let Authenticated { tenant, proof, request, .. } = authenticated;
    match (tenant.delegation().chains, proof) {
        (Chains::Open, _) | (Chains::Authenticated, ClientProof::Authenticated) => Ok(true),
        (Chains::Authenticated, ClientProof::None) | (Chains::Refused, _) => {
            Err(Refusal::invalid_grant(format!(
                "{} was issued at the request of another client (azp); sign the user in for this client",
                request.subject.parameter
            )))
        }
    }
}

/// Whether the token was issued at the request of another client of the tenant. A trusted issuer has clients that are not
/// the tenant's.
async fn is_chain(
    directory: &dyn Directory,
    authenticated: &Authenticated<'_>,
) -> Result<bool, StoreUnavailable> {
    let Authenticated { tenant, client, subject, .. } = authenticated;
    match subject.authorized_party.as_deref().filter(|party| *party != client.id()) {
        None => Ok(false),
        Some(_) if subject.is_tenants => Ok(true),
        Some(party) => Ok(directory.client(tenant, party).wait().await?.is_some()),
    }
}

/// The seconds until the user must sign in again; `None` without a limit.
///
/// # Errors
/// The session is over.
pub(super) fn seconds_left(authenticated: &Authenticated<'_>) -> Result<Option<u64>, Refusal> {
    let Some(session_seconds) = authenticated.tenant.delegation().session_seconds else { return Ok(None) };
    let session_seconds = i64::try_from(session_seconds).unwrap_or(i64::MAX);
    let ends_at = authenticated.subject.signed_in_at.saturating_add(session_seconds);
    match u64::try_from(ends_at.saturating_sub(authenticated.now())) {
        Ok(left) if left > 0 => Ok(Some(left)),
        _ => Err(Refusal::invalid_grant("the session is over; sign the user in again")),
    }
}
