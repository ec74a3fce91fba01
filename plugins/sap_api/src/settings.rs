//! The add-on's settings, and the token endpoint that they give.

use locum_plugin::prelude::*;
use locum_plugin::saml::SamlSigner;
use locum_plugin::upstream::checked_token_endpoint;

use crate::bearer::{Scope, TokenEndpoint};

/// The SAP system to issue for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(non_snake_case, reason = "the names that add-ons are exported with")]
pub(crate) struct Settings {
    /// The OAuth client: a user of type System in SAP.
    clientid: String,
    /// That user's password.
    servicePassword: Secret,
    /// The URL of SAP's token endpoint: https, or http on this machine. It may have a query, such as `?sap-client=100`.
    tokenEndpointUrl: String,
    /// The profile attribute that is the user's name in SAP; `email` if absent.
    #[serde(default = "email")]
    usernameAttribute: String,
    /// The scope of the token, unless the request chooses one: words separated by single spaces.
    #[serde(default)]
    scope: Option<String>,
    /// The format of the NameID, by which SAP finds the user; `urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified` if absent.
    #[serde(default = "unspecified")]
    nameIdentifierFormat: String,
    /// The name of SAP's local SAML provider, which is the audience of the assertion; the token endpoint's URL if absent.
    #[serde(default)]
    audience: Option<String>,
}

fn email() -> String {
    "email".to_owned()
}

fn unspecified() -> String {
    "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified".to_owned()
}

impl Settings {
    pub(crate) fn endpoint(&self, tenant: &Tenant) -> Result<TokenEndpoint, Failure> {
        let url = checked_token_endpoint(&self.tokenEndpointUrl)
            .map_err(|why| Failure::setting("tokenEndpointUrl", why))?;
        // In Basic authentication the name ends at the first colon.
        if self.clientid.is_empty() || self.clientid.contains(':') {
            return Err(Failure::setting(
                "clientid",
                "it must be the name of a user in SAP, without a colon",
            ));
        }
        if self.servicePassword.expose().is_empty() {
            return Err(Failure::setting("servicePassword", "it is empty"));
        }
        let stated = [
            ("clientid", Some(&self.clientid)),
            ("nameIdentifierFormat", Some(&self.nameIdentifierFormat)),
            ("audience", self.audience.as_ref()),
        ];
        for (name, value) in stated {
            // The assertion is XML, which does not permit control characters.
            if value.is_some_and(|value| value.is_empty() || value.chars().any(char::is_control)) {
                return Err(Failure::setting(name, "it is empty or holds a control character"));
            }
        }
        let signing_key = tenant
            .signing_key
            .as_ref()
            .ok_or_else(|| Failure::setting("clientid", "the tenant has no RSA signing key"))?;
        let signer = SamlSigner::new(signing_key)
            .map_err(|error| Failure::setting("clientid", format!("the tenant's signing key: {error}")))?;
        Ok(TokenEndpoint {
            audience: self.audience.clone().unwrap_or_else(|| url.clone()),
            url,
            issuer: format!("urn:{}", tenant.domain),
            client_id: self.clientid.clone(),
            password: self.servicePassword.clone(),
            name_format: self.nameIdentifierFormat.clone(),
            signer,
        })
    }

    pub(crate) fn username_attribute(&self) -> Result<String, Failure> {
        if self.usernameAttribute.is_empty() {
            return Err(Failure::setting(
                "usernameAttribute",
                "set a profile attribute or remove the setting",
            ));
        }
        Ok(self.usernameAttribute.clone())
    }

    pub(crate) fn scope(&self) -> Result<Option<Scope>, Failure> {
        self.scope
            .as_deref()
            .filter(|scope| !scope.is_empty())
            .map(Scope::parse)
            .transpose()
            .map_err(|why| Failure::setting("scope", why))
    }
}
