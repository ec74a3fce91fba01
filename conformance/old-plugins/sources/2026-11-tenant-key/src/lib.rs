//! Signs JWTs with the private key of the tenant, which contract 1 gave to plugins that asked for it.

use locum_plugin::prelude::*;
use locum_plugin::signing::{Algorithm, JwsSigner, SignatureKey};

locum_plugin::export_plugin! { name: "old_2026_11_tenant_key", vendor: "Locum", issuers: [Member] }

/// An issuer of member cards, with the tenant's key.
struct Member {
    issuer: String,
    club: String,
    signer: JwsSigner,
}

/// The club to issue for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The URL of the club: the `aud` of the card.
    club: String,
}

impl Issuer for Member {
    type Settings = Settings;
    type Parameters = NoParameters;

    fn api_types() -> Vec<ApiType> {
        vec![ApiType::jwt("old_2026_11_tenant_key").needs_tenant_signing_key()]
    }

    fn configure(_: &str, settings: Settings, tenant: &Tenant) -> Result<Self, Failure> {
        if !settings.club.starts_with("https://") {
            return Err(Failure::setting("club", "it is not an https URL"));
        }
        let key = tenant
            .signing_key
            .as_ref()
            .ok_or_else(|| Failure::setting("club", "the tenant has no RSA signing key"))?;
        let private_key = SignatureKey::from_pem(Algorithm::RS256, key.private_key_pem.expose())
            .map_err(|error| Failure::setting("club", error.to_string()))?;
        let kid = Map::from_iter([("kid".to_owned(), key.kid.as_str().into())]);
        Ok(Self { issuer: tenant.issuer(), club: settings.club, signer: JwsSigner::new(private_key, kid) })
    }

    fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        let claims = json!({
            "iss": self.issuer,
            "sub": grant.user_id,
            "aud": self.club,
            "iat": grant.now,
            "exp": grant.expires_at(),
        });
        Ok(grant.jwt(self.signer.sign(&claims)?))
    }
}
