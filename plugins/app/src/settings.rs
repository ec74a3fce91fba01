//! The target's `jwt_configuration` and secret, and the signer they make.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use locum_plugin::SigningKey;
use locum_plugin::prelude::*;
use locum_plugin::signing::{Algorithm, JwsSigner, SignatureKey};

/// How a target wants its tokens.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// HS256 signs with the target's secret, RS256 with the tenant's RSA key.
    alg: Algorithm,
    /// The target's client secret; only HS256 needs it.
    secret: Option<Secret>,
    /// Whether the secret is base64url text of the key's bytes, as with clients older than December 2016.
    #[serde(default)]
    secret_encoded: bool,
    /// How long tokens live, in seconds.
    #[expect(dead_code, reason = "read by the engine, as the manifest says; it stands here for the schema")]
    #[schemars(range(min = 1, max = 2_592_000))]
    lifetime_in_seconds: Option<u64>,
}

/// Old secrets were handed out with and without padding.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Settings {
    pub(crate) fn signer(&self, tenant: &Tenant) -> Result<JwsSigner, Failure> {
        match self.alg {
            Algorithm::HS256 => {
                let key = SignatureKey::hs256(&self.secret_bytes()?)
                    .map_err(|error| Failure::setting("secret", error.to_string()))?;
                Ok(JwsSigner::new(key, Map::new()))
            }
            Algorithm::RS256 => {
                let SigningKey { kid, private_key_pem, .. } = tenant
                    .signing_key
                    .as_ref()
                    .ok_or_else(|| Failure::setting("alg", "the tenant has no RSA signing key"))?;
                let key = SignatureKey::from_pem(self.alg, private_key_pem.expose())
                    .map_err(|error| Failure::setting("alg", format!("the tenant's signing key: {error}")))?;
                Ok(JwsSigner::new(key, Map::from_iter([("kid".to_owned(), kid.as_str().into())])))
            }
            other => {
                Err(Failure::setting("alg", format!("{} is not one that targets can have", other.name())))
            }
        }
    }

    fn secret_bytes(&self) -> Result<Vec<u8>, Failure> {
        let secret = self
            .secret
            .as_ref()
            .ok_or_else(|| Failure::setting("secret", "HS256 needs the client's secret"))?;
        if self.secret_encoded {
            BASE64URL
                .decode(secret.expose())
                .map_err(|_| Failure::setting("secret", "secret_encoded is true, but it is not base64url"))
        } else {
            Ok(secret.expose().as_bytes().to_vec())
        }
    }
}
