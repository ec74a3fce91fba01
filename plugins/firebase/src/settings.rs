//! The add-on's settings, which choose one of Firebase's two token schemes.

use locum_plugin::prelude::*;
use locum_plugin::signing::{JwsSigner, SignatureKey};

/// The Firebase project to issue for: the key of a service account, or the secret of a legacy project.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The legacy project's secret. Only for Firebase SDKs of version 2.
    secret: Option<Secret>,
    /// The service account's RSA private key, PEM. For Firebase SDKs of version 3 and later.
    private_key: Option<PrivateKey>,
    /// The `kid` of that key. If it is absent, the token has no `kid`.
    private_key_id: Option<String>,
    /// The service account's email address: `iss` and `sub` of the token.
    client_email: Option<String>,
    /// The lifetime of tokens, in seconds; 3600 if absent. Firebase accepts at most 3600.
    #[expect(
        dead_code,
        reason = "the engine reads it, as the manifest says; the field is here for the schema"
    )]
    #[schemars(range(min = 1))]
    lifetime_in_seconds: Option<u64>,
}

/// A token scheme, with the key that signs.
pub(crate) enum Scheme {
    /// Custom tokens, RS256.
    Custom { client_email: String, signer: JwsSigner },
    /// Tokens of the SDKs before version 3, HS256.
    Legacy { signer: JwsSigner },
}

impl Settings {
    pub(crate) fn scheme(self) -> Result<Scheme, Failure> {
        match (self.private_key, self.secret) {
            (Some(private_key), None) => {
                let client_email = self.client_email.filter(|email| !email.is_empty()).ok_or_else(|| {
                    Failure::setting("client_email", "private_key needs the service account's client_email")
                })?;
                let key = SignatureKey::private(&private_key, Algorithm::RS256)
                    .map_err(|error| Failure::setting("private_key", error.to_string()))?;
                let kid = self.private_key_id.map(|id| ("kid".to_owned(), id.into()));
                Ok(Scheme::Custom { client_email, signer: JwsSigner::new(key, kid.into_iter().collect()) })
            }
            (None, Some(secret)) => {
                let key = SignatureKey::hs256(secret.expose().as_bytes())
                    .map_err(|error| Failure::setting("secret", error.to_string()))?;
                Ok(Scheme::Legacy { signer: JwsSigner::new(key, Map::new()) })
            }
            (Some(_), Some(_)) => {
                Err(Failure::setting("secret", "private_key is set too; remove one of the two"))
            }
            (None, None) => Err(Failure::setting(
                "private_key",
                "set private_key and client_email, or set secret for a legacy project",
            )),
        }
    }
}
