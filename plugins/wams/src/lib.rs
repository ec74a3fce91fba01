//! Issues user tokens for Azure Mobile Services.

mod settings;
mod token;

use locum_plugin::prelude::*;
use locum_plugin::signing::JwsSigner;

use crate::settings::Settings;
use crate::token::Version;

locum_plugin::export_plugin! { name: "wams", vendor: "Locum", issuers: [MobileServices] }

/// An issuer for one mobile service, with the key that is derived from its master key.
struct MobileServices {
    version: Version,
    signer: JwsSigner,
}

impl Issuer for MobileServices {
    type Settings = Settings;
    type Parameters = NoParameters;

    fn api_types() -> Vec<ApiType> {
        vec![ApiType::jwt("wams").lifetime(Lifetime::up_to_seconds(36_000)).not_revocable(
            "It cannot be revoked: it is valid until it expires. Regenerate the service's master key to invalidate all tokens made with it.",
        )]
    }

    fn configure(_: &str, settings: Settings, _: &Tenant) -> Result<Self, Failure> {
        let version = settings.version()?;
        Ok(Self { version, signer: settings.signer(version)? })
    }

    fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        let claims = token::claims(self.version, &grant.user_id, grant.now, grant.expires_at());
        Ok(grant.jwt(self.signer.sign(grant, &claims)?))
    }
}

#[cfg(test)]
mod tests;
