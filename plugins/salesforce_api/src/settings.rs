//! The add-on's settings, and the login host, community and signer that they give.

use locum_plugin::prelude::*;
use locum_plugin::signing::{JwsSigner, SignatureKey};
use locum_plugin::upstream::checked_endpoint;

use crate::login::{Community, Login};

/// The connected app to issue for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(non_snake_case, reason = "the names that add-ons are exported with")]
pub(crate) struct Settings {
    /// The connected app's consumer key.
    pub(crate) clientid: String,
    /// The profile attribute that is the user's name in Salesforce; `email` if absent.
    #[serde(default = "email")]
    principal: String,
    /// The community's domain, unless the request chooses one: `acme` for `acme.force.com`.
    #[serde(default)]
    communityName: Option<String>,
    /// The community's path, unless the request chooses one: `customers` for `acme.force.com/customers`.
    #[serde(default)]
    community_url_section: Option<String>,
    /// Another host to request tokens at, such as `https://acme.my.salesforce.com`: https, or http on this machine. The
    /// audience stays the same.
    #[serde(default)]
    endpoint: Option<String>,
}

fn email() -> String {
    "email".to_owned()
}

impl Settings {
    pub(crate) fn login(&self, api_type: &str) -> Result<Login, Failure> {
        let home = match api_type {
            "salesforce_sandbox_api" => "https://test.salesforce.com",
            _ => "https://login.salesforce.com",
        };
        let endpoint = self.endpoint.as_deref().map(checked_endpoint).transpose();
        Ok(Login { home, endpoint: endpoint.map_err(|why| Failure::setting("endpoint", why))? })
    }

    pub(crate) fn community(&self) -> Result<Option<Community>, Failure> {
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let (name, section) = (filled(&self.communityName), filled(&self.community_url_section));
        Community::parse(name.as_deref(), section.as_deref()).map_err(|wrong| {
            Failure::setting(wrong.of("communityName", "community_url_section"), wrong.why())
        })
    }

    pub(crate) fn principal(&self) -> Result<String, Failure> {
        if self.principal.is_empty() {
            return Err(Failure::setting("principal", "set a profile attribute or remove the setting"));
        }
        Ok(self.principal.clone())
    }

    pub(crate) fn signer(&self, tenant: &Tenant) -> Result<JwsSigner, Failure> {
        if self.clientid.is_empty() {
            return Err(Failure::setting(
                "clientid",
                "it is empty; copy the consumer key from the connected app",
            ));
        }
        let signing_key = tenant
            .signing_key
            .as_ref()
            .ok_or_else(|| Failure::setting("clientid", "the tenant has no RSA signing key"))?;
        let key = SignatureKey::private(signing_key, Algorithm::RS256)
            .map_err(|error| Failure::setting("clientid", format!("the tenant's signing key: {error}")))?;
        Ok(JwsSigner::new(key, Map::new()))
    }
}
