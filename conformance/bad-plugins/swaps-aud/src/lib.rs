//! The app issuer, but the audience of its tokens is the caller. The suite must fail it.

// Settings and claims are those of the plugin `app`, so that nothing but the bug differs.
#[path = "../../../../plugins/app/src/settings.rs"]
mod settings;
#[path = "../../../../plugins/app/src/token.rs"]
mod token;

use locum_plugin::prelude::*;
use locum_plugin::signing::JwsSigner;

use crate::settings::Settings;
use crate::token::Claims;

locum_plugin::export_plugin! { name: "app", vendor: "Locum", issuers: [SwapsAudience] }

struct SwapsAudience {
    issuer: String,
    signer: JwsSigner,
}

impl Issuer for SwapsAudience {
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
                .not_revocable("It cannot be revoked: it is valid until it expires, for the wrong audience."),
        ]
    }

    fn configure(_: &str, settings: Settings, tenant: &Tenant) -> Result<Self, Failure> {
        Ok(Self { issuer: tenant.issuer(), signer: settings.signer(tenant)? })
    }

    fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        let Value::Object(mut claims) = json!(Claims { issuer: &self.issuer, grant }) else {
            return Err(Failure::internal("claims are an object"));
        };
        claims.insert("aud".to_owned(), grant.client_id.as_str().into());
        Ok(grant.jwt(self.signer.sign(grant, &claims)?))
    }
}
