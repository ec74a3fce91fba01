//! Issues access tokens of Salesforce, its sandboxes and its communities, and revokes them there.

mod login;
mod settings;
mod token;

use locum_plugin::prelude::*;
use locum_plugin::signing::JwsSigner;
use locum_plugin::upstream::{post_form, token_response};

use crate::login::{Community, Login};
use crate::settings::Settings;

locum_plugin::export_plugin! { name: "salesforce_api", vendor: "Locum", issuers: [Salesforce] }

/// An issuer for one connected app, with the key that the app trusts.
struct Salesforce {
    client_id: String,
    principal: String,
    login: Login,
    community: Option<Community>,
    signer: JwsSigner,
}

/// Parameters that replace settings.
#[derive(Deserialize, JsonSchema)]
struct Parameters {
    /// The community's domain: `acme` for `acme.force.com`.
    community_name: Option<String>,
    /// The same as `community_name`, spelt as the setting is.
    #[serde(rename = "communityName")]
    community_name_as_stored: Option<String>,
    /// The community's path: `customers` for `acme.force.com/customers`.
    community_url_section: Option<String>,
    /// The same as `community_url_section`, as Auth0's SDK for Ruby spells it.
    community_url: Option<String>,
}

impl Issuer for Salesforce {
    type Settings = Settings;
    type Parameters = Parameters;

    fn api_types() -> Vec<ApiType> {
        [("salesforce_api", "login.salesforce.com"), ("salesforce_sandbox_api", "test.salesforce.com")]
            .map(|(api_type, login)| {
                ApiType::object(api_type)
                    // Salesforce decides the lifetime and does not state it.
                    .lifetime(Lifetime::up_to_seconds(86_400))
                    .parameter_overrides_setting("community_name", "communityName")
                    .parameter_overrides("communityName")
                    .parameter_overrides("community_url_section")
                    .parameter_overrides_setting("community_url", "community_url_section")
                    .calls(Upstream::host(login))
                    .calls(Upstream::host("*.force.com"))
                    .calls(Upstream::setting("endpoint"))
                    .signs_with_tenant_key()
                    .signs_as_setting("clientid")
                    .signs_about_attribute_of_setting("principal", Some("email"))
                    .reads_named_by_setting("principal", Some("email"))
                    .reads("email_verified")
                    .revoked_upstream(
                        "Revoke it through Locum. Or, in Salesforce, end the user's session or block the connected app.",
                    )
            })
            .into()
    }

    fn configure(api_type: &str, settings: Settings, tenant: &Tenant) -> Result<Self, Failure> {
        Ok(Self {
            login: settings.login(api_type)?,
            community: settings.community()?,
            signer: settings.signer(tenant)?,
            principal: settings.principal()?,
            client_id: settings.clientid,
        })
    }

    fn issue(&self, grant: &Grant<Parameters>, replies: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        if let [reply, ..] = replies {
            return Ok(grant.object(token_response(reply)?, None));
        }
        let community = self.community_of(&grant.parameters)?;
        let username = grant.identifying_attribute(&self.principal)?;
        let audience = self.login.audience(community.as_ref());
        let claims = token::claims(&self.client_id, username, &audience, grant);
        let assertion = self.signer.sign(grant, &claims)?;
        let url = format!("{}/services/oauth2/token", self.login.base(community.as_ref()));
        Ok(IssueAnswer::Call {
            request: post_form(url, &[("grant_type", token::GRANT_TYPE), ("assertion", &assertion)]),
        })
    }

    fn revoke(
        &self,
        presented: &PresentedCredential,
        replies: &[UpstreamReply],
    ) -> Result<RevokeAnswer, Failure> {
        if !token::is_salesforces(&presented.text) {
            return Ok(RevokeAnswer::AlreadyGone);
        }
        if let [reply, ..] = replies {
            return token::revoked(reply);
        }
        let url = format!("{}/services/oauth2/revoke", self.login.base(self.community.as_ref()));
        Ok(RevokeAnswer::Call { request: post_form(url, &[("token", &presented.text)]) })
    }
}

impl Salesforce {
    /// The community of the request. A part that the request does not choose is that of the settings.
    fn community_of(&self, parameters: &Parameters) -> Result<Option<Community>, Failure> {
        let Parameters { community_name, community_name_as_stored, community_url_section, community_url } =
            parameters;
        let stored = self.community.as_ref();
        let (name_parameter, name) = chosen([
            ("community_name", community_name.as_deref()),
            ("communityName", community_name_as_stored.as_deref()),
        ])?;
        let (section_parameter, section) = chosen([
            ("community_url_section", community_url_section.as_deref()),
            ("community_url", community_url.as_deref()),
        ])?;
        let name = name.or(stored.map(Community::name));
        let section = section.or(stored.and_then(Community::section));
        Community::parse(name, section)
            .map_err(|wrong| Failure::parameter(wrong.of(name_parameter, section_parameter), wrong.why()))
    }
}

/// The value of a parameter that has two names, and the name that the request used.
fn chosen<'p>(
    [first, second]: [(&'static str, Option<&'p str>); 2],
) -> Result<(&'static str, Option<&'p str>), Failure> {
    match (first.1, second.1) {
        (Some(one), Some(other)) if one != other => {
            Err(Failure::parameter(second.0, format!("{} and {} are the same; send one", first.0, second.0)))
        }
        (None, Some(_)) => Ok(second),
        _ => Ok(first),
    }
}

#[cfg(test)]
mod tests;
