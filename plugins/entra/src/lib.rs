//! Issues access tokens of Microsoft Entra ID for an application, by workload identity federation.

mod application;
mod cloud;
mod names;
mod settings;
mod token;

use locum_plugin::prelude::*;

use crate::application::Application;
use crate::settings::Settings;

locum_plugin::export_plugin! { name: "entra", vendor: "Locum", issuers: [Entra] }

/// An issuer for one application.
struct Entra {
    application: Application,
    default_scope: String,
    scopes: Vec<String>,
}

/// Parameters that replace settings, if the settings permit it.
#[derive(Deserialize, JsonSchema)]
struct Parameters {
    /// The scope of the token: one of those in the settings.
    entra_scope: Option<String>,
}

impl Issuer for Entra {
    type Settings = Settings;
    type Parameters = Parameters;

    fn api_types() -> Vec<ApiType> {
        vec![
            ApiType::object("entra")
                // Microsoft decides the lifetime, within a day; a token with a longer one than granted is refused.
                .lifetime(Lifetime::up_to_seconds(86_400))
                .parameter_overrides_setting("entra_scope", "scopes")
                .calls(Upstream::host("login.microsoftonline.com"))
                .calls(Upstream::host("login.microsoftonline.us"))
                .calls(Upstream::host("login.partner.microsoftonline.cn"))
                .calls(Upstream::setting("endpoint"))
                .signs_with_tenant_key()
                .signs_about_attribute_of_setting("subject", None)
                .reads_named_by_setting("subject", None)
                .reads("email_verified")
                .not_revocable(
                    "Locum cannot revoke it: it is valid until it expires. In Entra, disable the application's service principal, or take its permissions.",
                ),
        ]
    }

    fn configure(_: &str, settings: Settings, tenant: &Tenant) -> Result<Self, Failure> {
        Ok(Self {
            application: settings.application(tenant)?,
            default_scope: settings.default_scope()?,
            scopes: settings.scopes,
        })
    }

    fn issue(&self, grant: &Grant<Parameters>, replies: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        if let [reply, ..] = replies {
            let (object, expires_in) = token::read(reply)?;
            let expires_in = token::within_grant(expires_in, grant.lifetime_seconds)?;
            return Ok(grant.object(object, Some(grant.now + expires_in)));
        }
        let scope = self.chosen(grant.parameters.entra_scope.as_deref())?;
        Ok(IssueAnswer::Call { request: self.application.request(scope, grant)? })
    }
}

impl Entra {
    fn chosen<'a>(&'a self, named: Option<&'a str>) -> Result<&'a str, Failure> {
        match named {
            None => Ok(&self.default_scope),
            Some(named) if self.scopes.iter().any(|scope| scope == named) => Ok(named),
            Some(_) => Err(Failure::parameter("entra_scope", "this scope is not allowed")),
        }
    }
}

#[cfg(test)]
mod tests;
