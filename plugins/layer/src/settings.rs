//! The add-on's settings, and the signer that they give.

use locum_plugin::prelude::*;
use locum_plugin::signing::{JwsSigner, SignatureKey};

/// The Layer provider to issue for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(non_snake_case, reason = "the names that add-ons are exported with")]
pub(crate) struct Settings {
    /// The provider's id, as Layer shows it: the `iss` of the token.
    pub(crate) providerId: String,
    /// The id of the key at Layer: the `kid` of the token.
    keyId: String,
    /// The RSA private key, PEM. Layer has its public key.
    privateKey: PrivateKey,
    /// The profile attribute that is the user's id at Layer; `user_id` if absent.
    #[serde(default = "user_id")]
    pub(crate) principal: String,
    /// The lifetime of tokens, in minutes; 5 if absent or 0.
    #[expect(
        dead_code,
        reason = "the engine reads it, as the manifest says; the field is here for the schema"
    )]
    #[schemars(range(min = 0))]
    expiration: Option<u64>,
}

fn user_id() -> String {
    "user_id".to_owned()
}

impl Settings {
    pub(crate) fn signer(&self) -> Result<JwsSigner, Failure> {
        for (name, value) in [("providerId", &self.providerId), ("keyId", &self.keyId)] {
            if value.is_empty() {
                return Err(Failure::setting(name, "it is empty; copy it from Layer's dashboard"));
            }
        }
        if self.principal.is_empty() {
            return Err(Failure::setting("principal", "set a profile attribute or remove the setting"));
        }
        let key = SignatureKey::private(&self.privateKey, Algorithm::RS256)
            .map_err(|error| Failure::setting("privateKey", error.to_string()))?;
        let members = [("cty", "layer-eit;v=1"), ("kid", &self.keyId)];
        let members = members.map(|(name, value)| (name.to_owned(), value.into()));
        Ok(JwsSigner::new(key, members.into_iter().collect()))
    }
}
