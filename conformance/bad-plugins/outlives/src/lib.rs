//! The app issuer, but its tokens outlive their grant. The suite must fail it.

// Settings and claims are those of the plugin `app`, so that nothing but the bug differs.
#[path = "../../../../plugins/app/src/settings.rs"]
mod settings;
#[path = "../../../../plugins/app/src/token.rs"]
mod token;

use locum_plugin::abi::answer::Issued;
use locum_plugin::prelude::*;
use locum_plugin::signing::JwsSigner;

use crate::settings::Settings;
use crate::token::Claims;

locum_plugin::export_plugin! { name: "app", vendor: "Locum", issuers: [Outlives] }

/// By how many seconds its tokens outlive their grant.
const TOO_LONG_SECONDS: i64 = 60;

struct Outlives {
    issuer: String,
    signer: JwsSigner,
}

impl Issuer for Outlives {
    type Settings = Settings;
    type Parameters = NoParameters;

    fn api_types() -> Vec<ApiType> {
        let lifetime = Lifetime::up_to_seconds(2_592_000)
            .default_seconds(36_000)
            .setting_in_seconds("lifetime_in_seconds");
        vec![
            ApiType::jwt("app")
                .lifetime(lifetime)
                .signs_with_tenant_key()
                .signs_with_setting("private_key")
                .not_revocable(
                    "It cannot be revoked: it is valid until it expires, which is later than granted.",
                ),
        ]
    }

    fn configure(_: &str, settings: Settings, tenant: &Tenant) -> Result<Self, Failure> {
        Ok(Self { issuer: tenant.issuer(), signer: settings.signer(tenant)? })
    }

    fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        let expires_at = grant.expires_at() + TOO_LONG_SECONDS;
        let Value::Object(mut claims) = json!(Claims { issuer: &self.issuer, grant }) else {
            return Err(Failure::internal("claims are an object"));
        };
        claims.insert("exp".to_owned(), expires_at.into());
        Ok(IssueAnswer::Issued(Issued {
            credential: Credential::Jwt(self.signer.sign(grant, &claims)?),
            issued_at: grant.now.as_seconds(),
            expires_at: Some(expires_at.as_seconds()),
        }))
    }
}
