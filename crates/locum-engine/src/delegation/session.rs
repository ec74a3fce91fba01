//! Chains and sessions: whether a token that was issued at the request of one client may be exchanged by another, and for
//! how long after sign-in tokens may be exchanged, each for the next.

use crate::delegation::authenticate::Authenticated;
use crate::model::Chains;
use crate::refusal::Refusal;

/// Refuses a token whose `azp` is not the calling client, unless the tenant's policy allows it.
///
/// Otherwise `allowed_clients` could be bypassed: whoever may reach `api` could present the token for `api` as `api`, and
/// reach what only `api` may.
pub(super) fn check_chain(authenticated: &Authenticated<'_>) -> Result<(), Refusal> {
    let Authenticated { tenant, client, subject, .. } = authenticated;
    let is_chain = subject.authorized_party.as_deref().is_some_and(|party| party != client.id());
    match tenant.delegation().chains {
        Chains::Open => Ok(()),
        Chains::Authenticated | Chains::Refused if is_chain => Err(Refusal::invalid_grant(
            "id_token was issued at the request of another client (azp); sign the user in for this client",
        )),
        Chains::Authenticated | Chains::Refused => Ok(()),
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
