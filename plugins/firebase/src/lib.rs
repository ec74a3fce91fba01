//! Issues Firebase custom tokens, and the legacy tokens of the SDKs before version 3.

mod settings;
mod token;

use locum_plugin::prelude::*;

use crate::settings::{Scheme, Settings};

locum_plugin::export_plugin! { name: "firebase", vendor: "Locum", issuers: [Firebase] }

/// An issuer for one Firebase project, with the key of its token scheme.
struct Firebase(Scheme);

impl Issuer for Firebase {
    type Settings = Settings;
    type Parameters = NoParameters;

    fn api_types() -> Vec<ApiType> {
        let lifetime = Lifetime::up_to_seconds(3600).setting_in_seconds("lifetime_in_seconds");
        vec![ApiType::jwt("firebase").lifetime(lifetime).signs_with_setting("private_key").reads("firebase_data").not_revocable(
            "It cannot be revoked: it is valid until it expires. Disable the user in Firebase, or delete the service account's key, which invalidates all tokens made with it.",
        )]
    }

    fn configure(_: &str, settings: Settings, _: &Tenant) -> Result<Self, Failure> {
        settings.scheme().map(Self)
    }

    fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        let token = match &self.0 {
            Scheme::Custom { client_email, signer } => {
                signer.sign(grant, &token::custom_claims(client_email, grant)?)?
            }
            Scheme::Legacy { signer } => {
                token::within_legacy_limit(signer.sign(grant, &token::legacy_claims(grant)?)?)?
            }
        };
        Ok(grant.jwt(token))
    }
}

#[cfg(test)]
mod tests;
