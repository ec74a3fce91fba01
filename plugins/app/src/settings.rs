//! The target's `jwt_configuration` and secret, and the signer that they give.

use locum_plugin::prelude::*;
use locum_plugin::signing::{JwsSigner, SignatureKey};

/// How the target's tokens are signed, and for how long they are valid.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// HS256 signs with the target's secret; RS256, RS384, RS512 and PS256 with the tenant's RSA key; ES256 and EdDSA
    /// with the target's own private key.
    alg: Algorithm,
    /// The target's client secret. Only HS256 uses it.
    secret: Option<Secret>,
    /// Whether the secret is the base64url form of the key's bytes, as with clients older than December 2016.
    #[serde(default)]
    secret_encoded: bool,
    /// The target's own private key, PEM, PKCS#8: P-256 for ES256, Ed25519 for EdDSA. Only these algorithms use it.
    private_key: Option<PrivateKey>,
    /// The `kid` of that key. If it is absent, the token has no `kid`.
    private_key_id: Option<String>,
    /// The lifetime of tokens, in seconds.
    #[expect(
        dead_code,
        reason = "the engine reads it, as the manifest says; the field is here for the schema"
    )]
    #[schemars(range(min = 1, max = 2_592_000))]
    lifetime_in_seconds: Option<u64>,
}

impl Settings {
    pub(crate) fn signer(&self, tenant: &Tenant) -> Result<JwsSigner, Failure> {
        let own = matches!(self.alg, Algorithm::ES256 | Algorithm::EdDSA);
        if !own && (self.private_key.is_some() || self.private_key_id.is_some()) {
            let why = format!("{} does not sign with the target's own key; remove it", self.alg.name());
            return Err(Failure::setting("private_key", why));
        }
        let (key, kid) = match self.alg {
            Algorithm::HS256 => {
                let key = SignatureKey::hs256(&self.secret_bytes()?)
                    .map_err(|error| Failure::setting("secret", error.to_string()))?;
                (key, None)
            }
            Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512 | Algorithm::PS256 => {
                let key = tenant
                    .signing_key
                    .as_ref()
                    .ok_or_else(|| Failure::setting("alg", "the tenant has no RSA signing key"))?;
                let key = SignatureKey::private(key, self.alg)
                    .map_err(|error| Failure::setting("alg", format!("the tenant's signing key: {error}")))?;
                (key, None)
            }
            Algorithm::ES256 | Algorithm::EdDSA => {
                let private_key = self.private_key.as_ref().ok_or_else(|| {
                    Failure::setting("private_key", "this alg needs the target's own private key")
                })?;
                let key = SignatureKey::private(private_key, self.alg)
                    .map_err(|error| Failure::setting("private_key", error.to_string()))?;
                (key, self.private_key_id.as_ref())
            }
        };
        let kid = kid.map(|kid| ("kid".to_owned(), kid.as_str().into()));
        Ok(JwsSigner::new(key, kid.into_iter().collect()))
    }

    fn secret_bytes(&self) -> Result<Vec<u8>, Failure> {
        let secret = self
            .secret
            .as_ref()
            .ok_or_else(|| Failure::setting("secret", "HS256 needs the client's secret"))?;
        if self.secret_encoded {
            secret.decode_base64url().ok_or_else(|| {
                Failure::setting("secret", "secret_encoded is true, but the secret is not base64url")
            })
        } else {
            Ok(secret.expose().as_bytes().to_vec())
        }
    }
}
