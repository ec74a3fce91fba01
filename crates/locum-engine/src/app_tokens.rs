//! App tokens that the tenant issued: whether one is valid, whoever shows it.

use std::sync::Arc;

use serde_json::json;

use crate::model::{PublicKeyAlgorithm, TokenType};
use crate::ports::Directory;
use crate::prepared::{PreparedClient, PreparedTenant, TenantKey};
use crate::refusal::Refusal;
use crate::subject_token::{Expectation, KeySet, Subject, Token, VerificationKey, check};

/// The algorithms that one RSA key of the tenant signs with.
const OF_RSA_KEYS: [PublicKeyAlgorithm; 4] = [
    PublicKeyAlgorithm::RS256,
    PublicKeyAlgorithm::RS384,
    PublicKeyAlgorithm::RS512,
    PublicKeyAlgorithm::PS256,
];

/// An app token that is valid.
pub(crate) struct AppToken<'d> {
    /// The client that it is for.
    pub(crate) audience: Arc<PreparedClient>,
    /// Whom it is about, and its claims.
    pub(crate) subject: Subject<'d>,
}

/// The app token, if it is one of the tenant's and valid at `now`, in unix seconds. It borrows from `decoded`, which receives the
/// decoded parts of the token.
///
/// # Errors
/// The directory is unavailable.
pub(crate) async fn app_token<'d>(
    directory: &dyn Directory,
    tenant: &PreparedTenant,
    token: &str,
    now: i64,
    decoded: &'d mut Vec<u8>,
) -> Result<Option<AppToken<'d>>, Refusal> {
    let Ok(token) = Token::read(token, decoded) else { return Ok(None) };
    let Some(audience) = token.claimed_audience().map(str::to_owned) else { return Ok(None) };
    let found = directory.client(tenant, &audience).wait().await.map_err(Refusal::unavailable)?;
    let Some(audience) = found else { return Ok(None) };
    let expected = Expectation {
        token_type: TokenType::IdToken,
        issuer: tenant.issuer(),
        client_id: audience.id(),
        foreign: None,
        now,
        leeway_seconds: 0,
    };
    let rsa = rsa_keys(tenant);
    let keys: Vec<&VerificationKey> = audience.app_token_keys().chain(rsa.keys(&OF_RSA_KEYS)).collect();
    let Ok(claims) = token.verify(&keys) else { return Ok(None) };
    let Ok(subject) = check(claims, expected) else { return Ok(None) };
    Ok(Some(AppToken { audience, subject }))
}

/// The tenant's keys for all of their algorithms; empty if it has none.
fn rsa_keys(tenant: &PreparedTenant) -> KeySet {
    let jwk = |key: &TenantKey| json!({"kty": "RSA", "kid": key.kid, "n": key.public.n, "e": key.public.e});
    let set = json!({"keys": tenant.keys().iter().map(jwk).collect::<Vec<_>>()});
    KeySet::from_json(&set.to_string()).unwrap_or_default()
}
