//! What an app token says: to the client that it is for, and to the one at whose request it was issued.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::introspection::user::is_blocked;
use crate::model::{PublicKeyAlgorithm, TokenType};
use crate::ports::Ports;
use crate::prepared::{PreparedClient, PreparedTenant};
use crate::refusal::Refusal;
use crate::strict_json::{Members, Node};
use crate::subject_token::{Expectation, KeySet, Token, VerificationKey, check};

/// The claims that are answered (RFC 7662 section 2.2, RFC 8693 section 4.1). Those about the user are left to the token.
const ANSWERED: [&str; 9] = ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "scope", "act"];

/// The algorithms that one RSA key of the tenant signs with.
const OF_RSA_KEYS: [PublicKeyAlgorithm; 4] = [
    PublicKeyAlgorithm::RS256,
    PublicKeyAlgorithm::RS384,
    PublicKeyAlgorithm::RS512,
    PublicKeyAlgorithm::PS256,
];

/// The members of the answer, if the token is one of the tenant's and valid.
pub(super) async fn about_app_token(
    ports: &Ports,
    tenant: &PreparedTenant,
    client: &Arc<PreparedClient>,
    token: &str,
    now: i64,
) -> Result<Option<Map<String, Value>>, Refusal> {
    let mut decoded = Vec::new();
    let Ok(token) = Token::read(token, &mut decoded) else { return Ok(None) };
    let Some(audience) = token.claimed_audience().map(str::to_owned) else { return Ok(None) };
    let target = if audience == client.id() {
        Some(Arc::clone(client))
    } else {
        ports.directory.client(tenant, &audience).wait().await.map_err(Refusal::unavailable)?
    };
    let Some(target) = target else { return Ok(None) };
    let expected = Expectation {
        token_type: TokenType::IdToken,
        issuer: tenant.issuer(),
        client_id: &audience,
        foreign: None,
        now,
        leeway_seconds: 0,
    };
    let rsa = rsa_keys(tenant);
    let keys: Vec<&VerificationKey> = target.app_token_keys().chain(rsa.keys(&OF_RSA_KEYS)).collect();
    let Ok(claims) = token.verify(&keys) else { return Ok(None) };
    let Ok(subject) = check(claims, expected) else { return Ok(None) };
    let requested_by = subject.authorized_party.as_deref();
    let is_theirs = audience == client.id() || requested_by == Some(client.id());
    if !is_theirs || is_blocked(ports, tenant, &subject.user_id).await? {
        return Ok(None);
    }
    let client_id = requested_by.unwrap_or(&audience);
    let mut about = Map::from_iter([
        ("client_id".to_owned(), client_id.into()),
        ("token_type".to_owned(), "Bearer".into()),
    ]);
    about.extend(answered(&subject.claims));
    Ok(Some(about))
}

fn answered(claims: &Members<'_>) -> impl Iterator<Item = (String, Value)> {
    let claim = |name: &str| Some((name.to_owned(), claims.get(name).map(Node::to_value)?));
    ANSWERED.into_iter().filter_map(claim)
}

/// The tenant's keys for all of their algorithms; empty if it has none.
fn rsa_keys(tenant: &PreparedTenant) -> KeySet {
    let jwk = |key: &crate::prepared::TenantKey| serde_json::json!({"kty": "RSA", "kid": key.kid, "n": key.public.n, "e": key.public.e});
    let set = serde_json::json!({"keys": tenant.keys().iter().map(jwk).collect::<Vec<_>>()});
    KeySet::from_json(&set.to_string()).unwrap_or_default()
}
