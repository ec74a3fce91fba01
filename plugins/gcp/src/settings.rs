//! The settings of both api_types, and the parts of an issuer that they give.

use locum_plugin::prelude::*;
use locum_plugin::signing::{JwsSigner, SignatureKey};
use locum_plugin::upstream::checked_endpoint;

use crate::federation::{Federation, STS};
use crate::impersonation::{IAM_CREDENTIALS, ServiceAccount};
use crate::names::{is_audience, is_provider, is_service_account};
use crate::scopes::Scopes;

/// The most service accounts between the federated token and the service account of the credential.
const DELEGATES_MAX: usize = 4;
/// The most audiences of ID tokens.
const AUDIENCES_MAX: usize = 64;

/// The access tokens to issue.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccessTokenSettings {
    /// The full resource name of the provider: `//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/POOL/providers/PROVIDER`.
    provider: String,
    /// The `aud` of the JWT for Google, if the provider has allowed audiences; the provider's name if absent.
    audience: Option<String>,
    /// The profile attribute that is the `sub` of that JWT; the user's id if absent.
    subject: Option<String>,
    /// The address of the service account whose tokens are issued. If it is absent, tokens are those of the user as a principal of the pool.
    service_account: Option<String>,
    /// Service accounts in between, each of which may act as the next and the last as `service_account`.
    #[serde(default)]
    delegates: Vec<String>,
    /// The scopes of tokens. A request may choose some of them, and no others.
    scopes: Vec<String>,
    /// The lifetime of tokens, in seconds; 3600 if absent, at most 3600. Only tokens of a service account have it: for others Google decides.
    #[schemars(range(min = 1, max = 3600))]
    lifetime_in_seconds: Option<u64>,
    /// The URL of another Security Token Service, such as a regional one: https, or http on this machine.
    sts_endpoint: Option<String>,
    /// The origin of another IAM Service Account Credentials API: https, or http on this machine.
    iam_endpoint: Option<String>,
}

/// The ID tokens to issue.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdTokenSettings {
    /// The full resource name of the provider: `//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/POOL/providers/PROVIDER`.
    provider: String,
    /// The `aud` of the JWT for Google, if the provider has allowed audiences; the provider's name if absent.
    audience: Option<String>,
    /// The profile attribute that is the `sub` of that JWT; the user's id if absent.
    subject: Option<String>,
    /// The address of the service account whose tokens are issued.
    service_account: String,
    /// Service accounts in between, each of which may act as the next and the last as `service_account`.
    #[serde(default)]
    delegates: Vec<String>,
    /// The audiences that tokens may have. A request may choose one; the first if it does not.
    pub(crate) audiences: Vec<String>,
    /// Whether tokens state the address of the service account.
    #[serde(default)]
    pub(crate) include_email: bool,
    /// The URL of another Security Token Service, such as a regional one: https, or http on this machine.
    sts_endpoint: Option<String>,
    /// The origin of another IAM Service Account Credentials API: https, or http on this machine.
    iam_endpoint: Option<String>,
}

impl AccessTokenSettings {
    pub(crate) fn federation(&self, tenant: &Tenant) -> Result<Federation, Failure> {
        federation(&self.provider, &self.audience, &self.subject, &self.sts_endpoint, tenant)
    }

    pub(crate) fn service_account(&self) -> Result<Option<ServiceAccount>, Failure> {
        match &self.service_account {
            Some(email) => service_account(email, &self.delegates, &self.iam_endpoint).map(Some),
            None if !self.delegates.is_empty() => {
                Err(Failure::setting("delegates", "only a service_account has delegates; remove them"))
            }
            None if self.iam_endpoint.is_some() => Err(Failure::setting(
                "iam_endpoint",
                "without a service_account this API is not called; remove it",
            )),
            None if self.lifetime_in_seconds.is_some() => Err(Failure::setting(
                "lifetime_in_seconds",
                "without a service_account Google decides the lifetime; remove it",
            )),
            None => Ok(None),
        }
    }

    pub(crate) fn scopes(self) -> Result<Scopes, Failure> {
        Scopes::new(self.scopes).map_err(|why| Failure::setting("scopes", why))
    }
}

impl IdTokenSettings {
    pub(crate) fn federation(&self, tenant: &Tenant) -> Result<Federation, Failure> {
        federation(&self.provider, &self.audience, &self.subject, &self.sts_endpoint, tenant)
    }

    pub(crate) fn service_account(&self) -> Result<ServiceAccount, Failure> {
        service_account(&self.service_account, &self.delegates, &self.iam_endpoint)
    }

    /// The audience of tokens for requests that choose none.
    pub(crate) fn default_audience(&self) -> Result<String, Failure> {
        let refused = |why| Err(Failure::setting("audiences", why));
        match self.audiences.first() {
            None => refused("list the audiences that tokens may have"),
            Some(_) if self.audiences.len() > AUDIENCES_MAX => refused("list at most 64 audiences"),
            Some(_) if !self.audiences.iter().all(|audience| is_audience(audience)) => refused(
                "an audience is a text of 1 to 1024 bytes without control characters and outer blanks",
            ),
            Some(first) => Ok(first.clone()),
        }
    }
}

fn federation(
    provider: &str,
    audience: &Option<String>,
    subject: &Option<String>,
    endpoint: &Option<String>,
    tenant: &Tenant,
) -> Result<Federation, Failure> {
    if !is_provider(provider) {
        return Err(Failure::setting(
            "provider",
            "it is not the full name of a provider, which starts with //iam.googleapis.com/projects/ and the project's number",
        ));
    }
    if audience.as_deref().is_some_and(|audience| !is_audience(audience)) {
        return Err(Failure::setting(
            "audience",
            "it is empty, too long or has control characters or outer blanks",
        ));
    }
    if subject.as_deref() == Some("") {
        return Err(Failure::setting("subject", "set a profile attribute or remove the setting"));
    }
    let endpoint = endpoint.as_deref().map(checked_endpoint).transpose();
    let key = tenant
        .signing_key
        .as_ref()
        .ok_or_else(|| Failure::setting("provider", "the tenant has no RSA signing key"))?;
    let key = SignatureKey::private(key, Algorithm::RS256)
        .map_err(|error| Failure::setting("provider", format!("the tenant's signing key: {error}")))?;
    Ok(Federation {
        endpoint: endpoint
            .map_err(|why| Failure::setting("sts_endpoint", why))?
            .unwrap_or_else(|| STS.to_owned()),
        provider: provider.to_owned(),
        audience: audience.clone().unwrap_or_else(|| provider.to_owned()),
        issuer: tenant.issuer(),
        subject_attribute: subject.clone(),
        signer: JwsSigner::new(key, Map::new()),
    })
}

fn service_account(
    email: &str,
    delegates: &[String],
    endpoint: &Option<String>,
) -> Result<ServiceAccount, Failure> {
    let why = "it is not the address of a service account, such as reader@my-project.iam.gserviceaccount.com";
    if !is_service_account(email) {
        return Err(Failure::setting("service_account", why));
    }
    if delegates.len() > DELEGATES_MAX {
        return Err(Failure::setting("delegates", "list at most 4 service accounts"));
    }
    if !delegates.iter().all(|delegate| is_service_account(delegate)) {
        return Err(Failure::setting("delegates", why));
    }
    let endpoint = endpoint.as_deref().map(checked_endpoint).transpose();
    let endpoint = endpoint.map_err(|why| Failure::setting("iam_endpoint", why))?;
    Ok(ServiceAccount::new(endpoint.as_deref().unwrap_or(IAM_CREDENTIALS), email, delegates))
}
