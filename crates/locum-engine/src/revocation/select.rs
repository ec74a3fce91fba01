//! Select: finds who may know the token: the store of refresh tokens, or the add-ons of the client that have an upstream.

use std::sync::Arc;

use locum_abi::manifest::Revocation;
use locum_abi::secret::Secret;

use crate::prepared::{PreparedAddOn, PreparedClient, PreparedTenant};
use crate::refresh_tokens::RefreshTokenHash;
use crate::refusal::{Refusal, RefusalKind};
use crate::revocation::identify::Identified;

/// A token, and who can revoke it if they know it.
#[derive(Debug)]
pub struct Revocable {
    pub(super) tenant: Arc<PreparedTenant>,
    pub(super) client: Arc<PreparedClient>,
    pub(super) token: Secret,
    /// The hash of a refresh token of Locum's own. No add-on is asked about it.
    pub(super) refresh_token: Option<RefreshTokenHash>,
    /// The api_type of the requested add-on; if absent, all add-ons of the client are tried.
    api_type: Option<String>,
}

/// Selects who is asked to revoke the token.
///
/// # Errors
/// `unsupported_token_type` if the token, or every credential of the requested add-on, is valid until it expires.
pub fn select(identified: Identified) -> Result<Revocable, Refusal> {
    let Identified { tenant, client, request } = identified;
    if is_self_contained(request.token.expose()) {
        return Err(not_revocable());
    }
    let revocable = Revocable {
        tenant,
        client,
        refresh_token: RefreshTokenHash::of(&request.token),
        token: request.token,
        api_type: request.api_type,
    };
    if revocable.refresh_token.is_none()
        && revocable.api_type.is_some()
        && revocable.add_ons().next().is_none()
    {
        return Err(not_revocable());
    }
    Ok(revocable)
}

impl Revocable {
    /// Whether anybody is asked.
    pub(super) fn is_asked_about(&self) -> bool {
        self.refresh_token.is_some() || self.add_ons().next().is_some()
    }

    /// The add-ons to call, in order.
    pub(super) fn add_ons(&self) -> impl Iterator<Item = &PreparedAddOn> {
        let named =
            |add_on: &&PreparedAddOn| self.api_type.as_deref().is_none_or(|name| name == add_on.api_type());
        let upstream = |add_on: &&PreparedAddOn| {
            add_on.manifest().is_some_and(|manifest| manifest.revocation == Revocation::Upstream)
        };
        self.client.add_ons().iter().filter(named).filter(upstream)
    }
}

/// JWTs and signed URLs are verified by their signature alone, so nobody can revoke them.
fn is_self_contained(token: &str) -> bool {
    let jwt = token.split('.').count() == 3 && token.starts_with("eyJ");
    let signed_url = token.split(['?', '&', ' ']).any(|member| member.starts_with("sig="));
    jwt || signed_url
}

pub(super) fn not_revocable() -> Refusal {
    Refusal::new(
        RefusalKind::UnsupportedTokenType,
        "this credential cannot be revoked; it lives until it expires",
    )
}
