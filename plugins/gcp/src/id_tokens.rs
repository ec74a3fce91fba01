//! The issuer of Google's ID tokens for a service account: for Cloud Run, IAP and others that verify OpenID Connect.

use locum_plugin::abi::answer::Issued;
use locum_plugin::prelude::*;

use crate::TOLERANCE_SECONDS;
use crate::federation::{FederatedToken, Federation};
use crate::impersonation::{IAM_SCOPE, ServiceAccount};
use crate::promises;
use crate::settings::IdTokenSettings;

/// The lifetime of every ID token. Google lets nobody choose another.
const ID_TOKEN_SECONDS: u64 = 3600;

/// An issuer for one service account.
pub(crate) struct IdTokens {
    federation: Federation,
    service_account: ServiceAccount,
    default_audience: String,
    audiences: Vec<String>,
    include_email: bool,
}

/// Parameters that replace settings, if the settings permit it.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Parameters {
    /// The audience of the token: one of those in the settings.
    gcp_audience: Option<String>,
}

impl Issuer for IdTokens {
    type Settings = IdTokenSettings;
    type Parameters = Parameters;

    fn api_types() -> Vec<ApiType> {
        let lifetime = Lifetime::up_to_seconds(ID_TOKEN_SECONDS).minimum_seconds(ID_TOKEN_SECONDS);
        vec![
            promises(ApiType::text("gcp_id_token", "id_token"))
                .lifetime(lifetime)
                .parameter_overrides_setting("gcp_audience", "audiences"),
        ]
    }

    fn configure(_: &str, settings: IdTokenSettings, tenant: &Tenant) -> Result<Self, Failure> {
        Ok(Self {
            federation: settings.federation(tenant)?,
            service_account: settings.service_account()?,
            default_audience: settings.default_audience()?,
            include_email: settings.include_email,
            audiences: settings.audiences,
        })
    }

    fn issue(&self, grant: &Grant<Parameters>, replies: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        let audience = self.chosen(grant.parameters.gcp_audience.as_deref())?;
        match replies {
            [] => self.federation.exchange(grant, IAM_SCOPE),
            [exchanged] => {
                let federated = FederatedToken::read(exchanged)?;
                let request = self.service_account.id_token_request(&federated, audience, self.include_email);
                Ok(IssueAnswer::Call { request })
            }
            [_, generated, ..] => {
                let (token, expires_at) = ServiceAccount::id_token(generated, audience)?;
                let expires_at = grant.stated_expiry(expires_at, TOLERANCE_SECONDS)?;
                Ok(IssueAnswer::Issued(Issued {
                    credential: Credential::Text(token),
                    issued_at: grant.now.as_seconds(),
                    expires_at: Some(expires_at.as_seconds()),
                }))
            }
        }
    }
}

impl IdTokens {
    fn chosen<'a>(&'a self, named: Option<&'a str>) -> Result<&'a str, Failure> {
        match named {
            None => Ok(&self.default_audience),
            Some(named) if self.audiences.iter().any(|audience| audience == named) => Ok(named),
            Some(_) => Err(Failure::parameter("gcp_audience", "this audience is not allowed")),
        }
    }
}
