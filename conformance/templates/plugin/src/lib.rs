//! @description@

use locum_plugin::prelude::*;
use locum_plugin::signing::{JwsSigner, SignatureKey};

locum_plugin::export_plugin! { name: "@api_type@", vendor: "@vendor@", issuers: [@Issuer@] }

// Operators read the comments with three slashes.
/// What an operator sets.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The key that tokens are signed with, HS256.
    key: Secret,
    /// How long tokens live, in seconds; 300 if absent, 3600 at most.
    #[expect(dead_code, reason = "read by the engine, as the manifest says; it stands here for the schema")]
    #[schemars(range(min = 1))]
    lifetime: Option<u64>,
}

/// Ready to issue: what takes time, such as parsing keys, is done.
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
                .revoked_by_key_rotation("Change the key, which ends every token that was signed with it."),
        ]
    }

    fn configure(_: &str, settings: Settings, _: &Tenant) -> Result<Self, Failure> {
        let key = SignatureKey::hs256(settings.key.expose().as_bytes())
            .map_err(|error| Failure::setting("key", error.to_string()))?;
        Ok(Self { signer: JwsSigner::new(key, Map::new()) })
    }

    fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        let claims = json!({ "sub": grant.user_id, "iat": grant.now, "exp": grant.expires_at() });
        Ok(grant.jwt(self.signer.sign(&claims)?))
    }
}

#[cfg(test)]
mod tests;
