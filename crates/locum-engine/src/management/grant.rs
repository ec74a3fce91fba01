//! Grant: a management token for a client that authenticates (RFC 6749 section 4.4), with scopes of its grant.

use std::net::IpAddr;
use std::sync::Arc;

use crate::client_authentication::{ClientProof, client_proof, delegating_tenant, known_client};
use crate::limits::{MANAGEMENT_TOKEN_SECONDS, SUBJECT_TOKEN_BYTES_MAX};
use crate::management::request::ClientCredentialsRequest;
use crate::management::token::{CLIENT_SUFFIX, Claims, OF_A_CLIENT, token_id};
use crate::observer::Endpoint;
use crate::ports::{Found, Ports};
use crate::prepared::PreparedTenant;
use crate::refusal::{Refusal, RefusalKind};

/// A management token that was issued.
pub(crate) struct GrantedToken {
    pub(crate) token: String,
    /// Its scopes, separated by spaces.
    pub(crate) scope: String,
    /// In unix seconds.
    pub(crate) expires_at: i64,
}

/// Issues a token. `now_unix_ms` is in milliseconds since the unix epoch.
///
/// # Errors
/// The tenant has no management tokens, the client is unknown, public or does not authenticate, it has no grant or one without
/// a requested scope, the audience is another one, or a store is unavailable.
pub(crate) async fn grant(
    ports: &Ports,
    tenant: Found<PreparedTenant>,
    request: &ClientCredentialsRequest,
    ip: IpAddr,
    now_unix_ms: u64,
) -> Result<GrantedToken, Refusal> {
    let tenant = tenant.map_err(Refusal::unavailable)?;
    let managed = tenant.as_deref().and_then(|tenant| Some((tenant, tenant.management()?)));
    let Some((tenant, management)) = managed else { return Err(not_served(tenant)) };
    let client = known_client(ports, tenant, &request.client_id, ip).await?;
    let credential = request.client_credential.as_ref();
    let proof = client_proof(ports, tenant, &client, credential, Endpoint::Token, ip, now_unix_ms).await?;
    if proof != ClientProof::Authenticated {
        return Err(unauthorized(
            "only a client that authenticates can use this grant_type; this one does not",
        ));
    }
    if request.audience != management.audience {
        let description = format!("audience must be {}", management.audience);
        return Err(Refusal::new(RefusalKind::InvalidTarget, description));
    }
    let granted = &client.client().management_scopes;
    if granted.is_empty() {
        return Err(unauthorized("the client has no grant for the Management API"));
    }
    let words = request.scope.as_ref().unwrap_or(granted);
    if words.is_empty() || words.iter().any(|word| !granted.contains(word)) {
        return Err(invalid_scope("scope must consist of words of the client's grant"));
    }
    let now = i64::try_from(now_unix_ms / 1000).unwrap_or(i64::MAX);
    let (scope, expires_at) = (words.join(" "), now.saturating_add(MANAGEMENT_TOKEN_SECONDS));
    let claims = Claims {
        iss: tenant.issuer(),
        sub: &format!("{}{CLIENT_SUFFIX}", client.id()),
        aud: &management.audience,
        iat: now,
        exp: expires_at,
        azp: Some(client.id()),
        gty: OF_A_CLIENT,
        scope: Some(&scope),
        jti: &token_id(ports.entropy.draw()),
    };
    // One that is longer is not read again.
    match claims.signed(management).filter(|token| token.len() <= SUBJECT_TOKEN_BYTES_MAX) {
        Some(token) => Ok(GrantedToken { token, scope, expires_at }),
        None => Err(invalid_scope("the token would be too long; ask for fewer scopes")),
    }
}

/// A tenant that does not delegate either is refused as an unknown host is.
fn not_served(tenant: Option<Arc<PreparedTenant>>) -> Refusal {
    delegating_tenant(Ok(tenant)).err().unwrap_or_else(|| {
        let description = "client_credentials is not supported: this tenant has no management keys";
        Refusal::new(RefusalKind::UnsupportedGrantType, description)
    })
}

fn unauthorized(description: &str) -> Refusal {
    Refusal::new(RefusalKind::UnauthorizedClient, description)
}

fn invalid_scope(description: &str) -> Refusal {
    Refusal::new(RefusalKind::InvalidScope, description)
}
