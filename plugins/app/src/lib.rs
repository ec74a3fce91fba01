//! Issues JWTs for another app of the tenant, signed as that app expects.

mod settings;
mod token;

use locum_plugin::prelude::*;
use locum_plugin::signing::JwsSigner;

use crate::settings::Settings;
use crate::token::Claims;

locum_plugin::export_plugin! { name: "app", vendor: "Locum", issuers: [App] }

/// An issuer for one target, with the key that the target verifies.
struct App {
    issuer: String,
    signer: JwsSigner,
}

impl Issuer for App {
    type Settings = Settings;
    type Parameters = NoParameters;

    fn api_types() -> Vec<ApiType> {
        let lifetime = Lifetime::up_to_seconds(2_592_000)
            .default_seconds(36_000)
            .setting_in_seconds("lifetime_in_seconds");
        vec![ApiType::jwt("app").lifetime(lifetime).signs_with_tenant_key().signs_with_setting("private_key").not_revocable(
            "It cannot be revoked: it is valid until it expires. To invalidate it earlier, change the target's secret or the tenant's signing key.",
        )]
    }

    fn configure(_: &str, settings: Settings, tenant: &Tenant) -> Result<Self, Failure> {
        Ok(Self { issuer: tenant.issuer(), signer: settings.signer(tenant)? })
    }

    fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        Ok(grant.jwt(self.signer.sign(grant, &Claims { issuer: &self.issuer, grant })?))
    }
}

#[cfg(test)]
mod tests;
