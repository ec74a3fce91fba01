//! Verifies a management token: whose it is, and what it allows at this moment.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Arc;

use crate::limits::FUTURE_SECONDS_MAX;
use crate::management::token::{CLIENT_SUFFIX, OF_A_CLIENT, OF_AN_OPERATOR, OPERATOR};
use crate::model::{ClientAuthentication, TokenType};
use crate::ports::{Directory, Found, StoreUnavailable};
use crate::prepared::{Management, PreparedTenant};
use crate::strict_json::Members;
use crate::subject_token::{ClaimError, Token, TokenError, optional_seconds, seconds, text};

/// Who calls the Management API of a tenant by a valid token.
#[derive(Debug, Clone)]
pub struct ManagementCaller {
    tenant: Arc<PreparedTenant>,
    actor: ManagementActor,
    /// `None` for all.
    scopes: Option<BTreeSet<String>>,
    token_id: String,
}

/// Whose a management token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManagementActor {
    /// A client of the tenant.
    Client {
        /// Its `client_id`.
        client_id: String,
    },
    /// An operator who has the tenant's keys.
    Operator,
}

/// Why nobody is known to call the Management API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManagementTokenError {
    /// The host has no tenant, or its tenant has no management keys.
    #[error("there is no Management API here")]
    NotServed,
    /// The request has no token.
    #[error("send a management token in the header Authorization: Bearer")]
    Missing,
    /// The token is not one of this tenant's Management API, or not yet valid, or its client does not exist any more. The text
    /// says which, and shows nothing of the token.
    #[error("the management token {0}")]
    Invalid(String),
    /// It has expired.
    #[error("the management token has expired; get a new one")]
    Expired,
    /// The directory is unavailable.
    #[error("try again later")]
    Unavailable(StoreUnavailable),
}

impl ManagementCaller {
    /// The tenant that may be managed, and no other.
    pub fn tenant(&self) -> &Arc<PreparedTenant> {
        &self.tenant
    }

    /// Whose the token is.
    pub fn actor(&self) -> &ManagementActor {
        &self.actor
    }

    /// The `sub` of the token, for audit events.
    pub fn subject(&self) -> String {
        match &self.actor {
            ManagementActor::Client { client_id } => format!("{client_id}{CLIENT_SUFFIX}"),
            ManagementActor::Operator => OPERATOR.to_owned(),
        }
    }

    /// The `jti` of the token, for audit events.
    pub fn token_id(&self) -> &str {
        &self.token_id
    }

    /// Whether the caller has this scope.
    pub fn has(&self, scope: &str) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.contains(scope))
    }

    /// Whether the caller may give a client these scopes of the Management API: nobody gives what they lack.
    pub fn may_grant<'s>(&self, scopes: impl IntoIterator<Item = &'s str>) -> bool {
        scopes.into_iter().all(|scope| self.has(scope))
    }
}

/// Verifies the token that a request to the tenant of its host has. `now` is in unix seconds.
///
/// # Errors
/// There is no token, it is not a valid one of this tenant, or the directory is unavailable.
pub(crate) async fn caller(
    directory: &dyn Directory,
    tenant: Found<PreparedTenant>,
    token: Option<&str>,
    now: i64,
) -> Result<ManagementCaller, ManagementTokenError> {
    let tenant = tenant.map_err(ManagementTokenError::Unavailable)?.ok_or(ManagementTokenError::NotServed)?;
    let management = tenant.management().ok_or(ManagementTokenError::NotServed)?;
    let token = token.ok_or(ManagementTokenError::Missing)?;
    let mut decoded = Vec::new();
    let claims = verified(management, token, &mut decoded).map_err(|why| invalid(&why))?;
    check_claims(&claims, &tenant, management, now)?;
    let token_id = required(&claims, "jti")?.to_owned();
    let scopes = match claims.get("scope") {
        None => None,
        Some(_) => Some(required(&claims, "scope")?.split_whitespace().map(str::to_owned).collect()),
    };
    match required(&claims, "gty")? {
        OF_A_CLIENT => {
            let client_id = client_of(&claims)?.to_owned();
            let granted = granted(directory, &tenant, &client_id).await?;
            let scopes: BTreeSet<String> = scopes.unwrap_or_default();
            let scopes = Some(scopes.into_iter().filter(|scope| granted.contains(scope)).collect());
            Ok(ManagementCaller { actor: ManagementActor::Client { client_id }, tenant, scopes, token_id })
        }
        OF_AN_OPERATOR if required(&claims, "sub")? == OPERATOR => {
            Ok(ManagementCaller { actor: ManagementActor::Operator, tenant, scopes, token_id })
        }
        _ => Err(invalid(&"is neither a client's nor an operator's")),
    }
}

/// The claims of a token that one of the tenant's management keys has signed.
fn verified<'d>(
    management: &Management,
    token: &str,
    decoded: &'d mut Vec<u8>,
) -> Result<Members<'d>, TokenError> {
    let token = Token::read(token, decoded)?;
    if token.claimed_type() != TokenType::AccessToken {
        return Err(TokenError::WrongType);
    }
    token.verify_hs256(management.keys())
}

/// Checks `iss`, `aud`, `exp`, `iat`, and `nbf` if there is one. The names are made of the tenant's domain, whatever host was
/// requested.
fn check_claims(
    claims: &Members<'_>,
    tenant: &PreparedTenant,
    management: &Management,
    now: i64,
) -> Result<(), ManagementTokenError> {
    let of = |claim: Result<i64, ClaimError>| claim.map_err(|why| invalid(&why));
    if required(claims, "iss")? != tenant.issuer() {
        return Err(invalid(&"is of another issuer"));
    }
    if required(claims, "aud")? != management.audience {
        return Err(invalid(&"is for another audience"));
    }
    let latest_start = now.saturating_add(FUTURE_SECONDS_MAX);
    let not_before = optional_seconds(claims, "nbf").map_err(|why| invalid(&why))?;
    if of(seconds(claims, "iat"))?.max(not_before.unwrap_or(i64::MIN)) > latest_start {
        return Err(invalid(&ClaimError::NotYetValid));
    }
    if of(seconds(claims, "exp"))? <= now { Err(ManagementTokenError::Expired) } else { Ok(()) }
}

/// The client that `azp` and `sub` name alike.
fn client_of<'c>(claims: &'c Members<'_>) -> Result<&'c str, ManagementTokenError> {
    let client_id = required(claims, "azp")?;
    let is_subject = required(claims, "sub")?.strip_suffix(CLIENT_SUFFIX) == Some(client_id);
    if is_subject { Ok(client_id) } else { Err(invalid(&"names two clients")) }
}

/// The scopes of a client's grant at this moment; none if it does not authenticate any more.
async fn granted(
    directory: &dyn Directory,
    tenant: &PreparedTenant,
    client_id: &str,
) -> Result<Vec<String>, ManagementTokenError> {
    let found = directory.client(tenant, client_id).wait().await;
    let client = found.map_err(ManagementTokenError::Unavailable)?;
    let client = client.ok_or_else(|| invalid(&"is of a client that does not exist any more"))?;
    let client = client.client();
    let is_public = client.authentication == ClientAuthentication::None;
    Ok(if is_public { Vec::new() } else { client.management_scopes.clone() })
}

/// A claim that must be a text.
fn required<'c>(claims: &'c Members<'_>, name: &'static str) -> Result<&'c str, ManagementTokenError> {
    text(claims, name).map_err(|why| invalid(&why))
}

fn invalid(why: &dyn Display) -> ManagementTokenError {
    ManagementTokenError::Invalid(why.to_string())
}
