//! @description@

use locum_plugin::prelude::*;
use locum_plugin::signing::{JwsSigner, SignatureKey};

locum_plugin::export_plugin! { name: "@api_type@", vendor: "@vendor@", issuers: [@Issuer@] }

// The comments with three slashes become the schema's descriptions, for operators.
/// The settings of an operator.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The key that tokens are signed with, HS256.
    key: Secret,
    /// Lifetime of a token, in seconds: 300 if absent, at most 3600.
    #[expect(dead_code, reason = "only the engine reads it; the field is here for the schema")]
    #[schemars(range(min = 1))]
    lifetime: Option<u64>,
}

/// A configured issuer. Slow work, such as parsing keys, is done once, here.
struct @Issuer@ {
    signer: JwsSigner,
}

impl Issuer for @Issuer@ {
    type Settings = Settings;
    type Parameters = NoParameters;

    fn api_types() -> Vec<ApiType> {
        let lifetime = Lifetime::up_to_seconds(3600).default_seconds(300).setting_in_seconds("lifetime");
        vec![
            ApiType::jwt("@api_type@")
                .lifetime(lifetime)
                .revoked_by_key_rotation("Change the key, which invalidates every token that was signed with it."),
        ]
    }

    fn configure(_: &str, settings: Settings, _: &Tenant) -> Result<Self, Failure> {
        let key = SignatureKey::hs256(settings.key.expose().as_bytes())
            .map_err(|error| Failure::setting("key", error.to_string()))?;
        Ok(Self { signer: JwsSigner::new(key, Map::new()) })
    }

    fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        let claims = json!({ "sub": grant.user_id, "iat": grant.now, "exp": grant.expires_at() });
        Ok(grant.jwt(self.signer.sign(grant, &claims)?))
    }
}

#[cfg(test)]
mod tests;
