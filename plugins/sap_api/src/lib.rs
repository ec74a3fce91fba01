//! Issues access tokens of an SAP Gateway, which its token endpoint gives for a SAML assertion.

mod bearer;
mod settings;

use locum_plugin::prelude::*;
use locum_plugin::upstream::token_response;

use crate::bearer::{Scope, TokenEndpoint};
use crate::settings::Settings;

locum_plugin::export_plugin! { name: "sap_api", vendor: "Locum", issuers: [SapApi] }

/// An issuer for one SAP system, with the key that the system trusts.
struct SapApi {
    endpoint: TokenEndpoint,
    username_attribute: String,
    scope: Option<Scope>,
}

/// Parameters that replace settings.
#[derive(Deserialize, JsonSchema)]
struct Parameters {
    /// The scope of the SAP token: words separated by single spaces.
    sap_scope: Option<String>,
}

impl Issuer for SapApi {
    type Settings = Settings;
    type Parameters = Parameters;

    fn api_types() -> Vec<ApiType> {
        vec![
            ApiType::object("sap_api")
                // SAP decides the lifetime; a token with a longer one is refused.
                .lifetime(Lifetime::up_to_seconds(2_592_000))
                .parameter_overrides_setting("sap_scope", "scope")
                .calls(Upstream::setting("tokenEndpointUrl"))
                .signs_with_tenant_key()
                .signs_bytes()
                .reads_named_by_setting("usernameAttribute", Some("email"))
                .reads("email_verified")
                .not_revocable(
                    "Locum cannot revoke it: it is valid until it expires. In SAP, lock the user, or revoke the token in transaction SOAUTH2.",
                ),
        ]
    }

    fn configure(_: &str, settings: Settings, tenant: &Tenant) -> Result<Self, Failure> {
        Ok(Self {
            endpoint: settings.endpoint(tenant)?,
            scope: settings.scope()?,
            username_attribute: settings.username_attribute()?,
        })
    }

    fn issue(&self, grant: &Grant<Parameters>, replies: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        if let [reply, ..] = replies {
            let object = token_response(reply)?;
            let seconds = bearer::expires_in(&object, &reply.body)?;
            let seconds =
                seconds.map(|seconds| bearer::within_grant(seconds, grant.lifetime_seconds)).transpose()?;
            let expires_at = seconds.map(|seconds| grant.now + seconds);
            return Ok(grant.object(object, expires_at));
        }
        let named = grant.parameters.sap_scope.as_deref().map(Scope::parse).transpose();
        let named = named.map_err(|why| Failure::parameter("sap_scope", why))?;
        let scope = named.as_ref().or(self.scope.as_ref());
        let username = grant.identifying_attribute(&self.username_attribute)?;
        if username.trim() != username {
            let why = "it starts or ends with white space, which SAP may remove";
            return Err(Failure::attribute_unusable(&self.username_attribute, why));
        }
        Ok(IssueAnswer::Call { request: self.endpoint.request(username, scope, grant)? })
    }
}

#[cfg(test)]
mod tests;
