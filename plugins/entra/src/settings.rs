//! The add-on's settings, and the application that they give.

use locum_plugin::prelude::*;
use locum_plugin::signing::{JwsSigner, SignatureKey};
use locum_plugin::upstream::checked_endpoint;

use crate::application::{AUDIENCE, Application};
use crate::cloud::Cloud;
use crate::names::{is_application_id, is_audience, is_default_scope, is_directory};

/// The most scopes in the settings.
const SCOPES_MAX: usize = 64;

/// The application to issue for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The directory (tenant) of the application: its id or one of its domains.
    tenant: String,
    /// The application (client) id.
    client_id: String,
    /// The scopes that tokens may have, each of one resource and ending with `/.default`. A request may choose one; the first if it does not.
    pub(crate) scopes: Vec<String>,
    /// The profile attribute that is the `sub` of the JWT for Entra; the user's id if absent.
    subject: Option<String>,
    /// The `aud` of that JWT; `api://AzureADTokenExchange` if absent.
    audience: Option<String>,
    /// The cloud of the directory: `public` if absent.
    cloud: Option<Cloud>,
    /// The origin of another sign-in host, such as `https://acme.ciamlogin.com`: https, or http on this machine.
    endpoint: Option<String>,
}

impl Settings {
    pub(crate) fn application(&self, tenant: &Tenant) -> Result<Application, Failure> {
        if !is_directory(&self.tenant) {
            return Err(Failure::setting(
                "tenant",
                "it is not the id or a domain of one directory; copy the directory (tenant) id from Entra",
            ));
        }
        if !is_application_id(&self.client_id) {
            return Err(Failure::setting(
                "client_id",
                "it is not an application (client) id, which is a GUID",
            ));
        }
        if self.subject.as_deref() == Some("") {
            return Err(Failure::setting("subject", "set a profile attribute or remove the setting"));
        }
        let audience = self.audience.as_deref().unwrap_or(AUDIENCE);
        if !is_audience(audience) {
            return Err(Failure::setting(
                "audience",
                "it is empty, too long or has control characters or outer blanks",
            ));
        }
        let key = tenant
            .signing_key
            .as_ref()
            .ok_or_else(|| Failure::setting("client_id", "the tenant has no RSA signing key"))?;
        let key = SignatureKey::private(key, Algorithm::RS256)
            .map_err(|error| Failure::setting("client_id", format!("the tenant's signing key: {error}")))?;
        Ok(Application {
            token_url: format!("{}/{}/oauth2/v2.0/token", self.origin()?, self.tenant),
            client_id: self.client_id.clone(),
            audience: audience.to_owned(),
            issuer: tenant.issuer(),
            subject_attribute: self.subject.clone(),
            signer: JwsSigner::new(key, Map::new()),
        })
    }

    fn origin(&self) -> Result<String, Failure> {
        match (&self.endpoint, self.cloud) {
            (None, cloud) => Ok(cloud.unwrap_or_default().origin().to_owned()),
            (Some(_), Some(_)) => {
                Err(Failure::setting("cloud", "with an endpoint, no cloud is asked; remove one of both"))
            }
            (Some(endpoint), None) => checked_endpoint(endpoint)
                .map(|endpoint| endpoint.trim_end_matches('/').to_owned())
                .map_err(|why| Failure::setting("endpoint", why)),
        }
    }

    /// The scope of tokens for requests that choose none.
    pub(crate) fn default_scope(&self) -> Result<String, Failure> {
        let refused = |why| Err(Failure::setting("scopes", why));
        match self.scopes.first() {
            None => refused("list the scopes that tokens may have"),
            Some(_) if self.scopes.len() > SCOPES_MAX => refused("list at most 64 scopes"),
            Some(_) if !self.scopes.iter().all(|scope| is_default_scope(scope)) => {
                refused("a scope is a resource and /.default, such as https://graph.microsoft.com/.default")
            }
            Some(first) => Ok(first.clone()),
        }
    }
}
