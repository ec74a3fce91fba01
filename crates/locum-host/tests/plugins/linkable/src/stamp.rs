//! An issuer that signs by itself.
#![expect(clippy::panic, reason = "panics on purpose")]

use locum_plugin::prelude::*;
use locum_plugin::signing::{JwsSigner, SignatureKey};

const KEY_BYTES: usize = 32;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// HS256.
    key: Secret,
    /// The audience of its tokens.
    #[schemars(length(min = 1))]
    audience: String,
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Parameters {
    /// What to do wrong: `secret` puts the key into the token, anything else panics.
    mistake: Option<String>,
}

pub(crate) struct Stamp {
    signer: JwsSigner,
    audience: String,
    key: Secret,
}

impl Issuer for Stamp {
    type Settings = Settings;
    type Parameters = Parameters;

    fn api_types() -> Vec<ApiType> {
        vec![ApiType::jwt("stamp").lifetime(Lifetime::up_to_seconds(3600))]
    }

    fn configure(_: &str, settings: Settings, _: &Tenant) -> Result<Self, Failure> {
        if settings.key.expose().len() < KEY_BYTES {
            log::warn!("a key of {KEY_BYTES} bytes is better than {}", settings.key.expose());
        }
        let key = SignatureKey::hs256(settings.key.expose().as_bytes())
            .map_err(|error| Failure::setting("key", error.to_string()))?;
        let signer = JwsSigner::new(key, Map::new());
        Ok(Self { signer, audience: settings.audience, key: settings.key })
    }

    fn issue(&self, grant: &Grant<Parameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        let key = match grant.parameters.mistake.as_deref() {
            None => None,
            Some("secret") => Some(self.key.expose()),
            Some(_) => panic!("on purpose"),
        };
        let claims = json!({
            "sub": grant.user_id, "aud": self.audience, "key": key,
            "iat": grant.now, "exp": grant.expires_at(), "jti": grant.fresh_id(),
        });
        Ok(grant.jwt(self.signer.sign(grant, &claims)?))
    }
}
