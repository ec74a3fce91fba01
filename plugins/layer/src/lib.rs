//! Issues identity tokens for Layer's messaging service.

mod settings;
mod token;

use locum_plugin::prelude::*;
use locum_plugin::signing::JwsSigner;

use crate::settings::Settings;
use crate::token::Nonce;

locum_plugin::export_plugin! { name: "layer", vendor: "Locum", issuers: [Layer] }

/// An issuer for one Layer provider, with the provider's key.
struct Layer {
    provider_id: String,
    principal: String,
    signer: JwsSigner,
}

/// The parameters of a request.
#[derive(Deserialize, JsonSchema)]
struct Parameters {
    /// The nonce that the client got from Layer. Required; Layer accepts it once, within ten minutes.
    nonce: Option<String>,
}

impl Issuer for Layer {
    type Settings = Settings;
    type Parameters = Parameters;

    fn api_types() -> Vec<ApiType> {
        let lifetime = Lifetime::up_to_seconds(86_400).default_seconds(300).setting_in_minutes("expiration");
        vec![
            ApiType::jwt("layer")
                .lifetime(lifetime)
                .signs_with_setting("privateKey")
                .reads_named_by_setting("principal", Some("user_id"))
                .reads("email_verified")
                .not_revocable(
                    "It cannot be revoked: it is valid until it expires, and Layer accepts its nonce once. Delete the key at Layer to invalidate all tokens made with it.",
                ),
        ]
    }

    fn configure(_: &str, settings: Settings, _: &Tenant) -> Result<Self, Failure> {
        let signer = settings.signer()?;
        Ok(Self { provider_id: settings.providerId, principal: settings.principal, signer })
    }

    fn issue(&self, grant: &Grant<Parameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        let nonce = Nonce::parse(grant.parameters.nonce.as_deref())
            .map_err(|why| Failure::parameter("nonce", why))?;
        let user = grant.identifying_attribute(&self.principal)?;
        let claims = token::claims(&self.provider_id, user, nonce, grant.now, grant.expires_at());
        Ok(grant.jwt(self.signer.sign(grant, &claims)?))
    }
}

#[cfg(test)]
mod tests;
