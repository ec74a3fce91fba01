//! App tokens that the tenant issued: whether one is valid, whoever shows it.

use std::sync::Arc;

use serde_json::json;

use crate::model::{PublicKeyAlgorithm, TokenType};
use crate::prepared::{PreparedClient, PreparedTenant, TenantKey};
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

/// What claims to be an app token, before it is verified.
pub(crate) struct ClaimedAppToken<'d> {
    token: Token<'d, 'd>,
    audience: String,
}

impl<'d> ClaimedAppToken<'d> {
    /// Reads a token. `decoded` receives its decoded parts. `None` if it cannot be an app token.
    pub(crate) fn read(token: &'d str, decoded: &'d mut Vec<u8>) -> Option<Self> {
        let token = Token::read(token, decoded).ok()?;
        let audience = token.claimed_audience()?.to_owned();
        Some(Self { token, audience })
    }

    /// The id of the client that it claims to be for.
    pub(crate) fn audience(&self) -> &str {
        &self.audience
    }

    /// The app token, if it is one of the tenant's for this client, and valid at `now`, in unix seconds.
    pub(crate) fn verify(
        self,
        tenant: &PreparedTenant,
        audience: Arc<PreparedClient>,
        now: i64,
    ) -> Option<AppToken<'d>> {
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
        let claims = self.token.verify(&keys).ok()?;
        let subject = check(claims, expected).ok()?;
        Some(AppToken { audience, subject })
    }
}

/// The tenant's keys for all of their algorithms; empty if it has none.
fn rsa_keys(tenant: &PreparedTenant) -> KeySet {
    let jwk = |key: &TenantKey| json!({"kty": "RSA", "kid": key.kid, "n": key.public.n, "e": key.public.e});
    let set = json!({"keys": tenant.keys().iter().map(jwk).collect::<Vec<_>>()});
    KeySet::from_json(&set.to_string()).unwrap_or_default()
}
