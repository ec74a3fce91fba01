//! The issuer of access tokens: those of a service account, or of the user as a principal of the pool.

use locum_plugin::prelude::*;

use crate::TOLERANCE_SECONDS;
use crate::federation::{FederatedToken, Federation};
use crate::impersonation::{IAM_SCOPE, ServiceAccount};
use crate::promises;
use crate::scopes::Scopes;
use crate::settings::AccessTokenSettings;

/// An issuer for one provider of a pool, with the service account that its users act as, if there is one.
pub(crate) struct AccessTokens {
    federation: Federation,
    service_account: Option<ServiceAccount>,
    scopes: Scopes,
}

/// Parameters that replace settings, if the settings permit it.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Parameters {
    /// The scopes of the token, separated by single spaces: some of those in the settings.
    gcp_scope: Option<String>,
}

impl Issuer for AccessTokens {
    type Settings = AccessTokenSettings;
    type Parameters = Parameters;

    fn api_types() -> Vec<ApiType> {
        let lifetime = Lifetime::up_to_seconds(3600).setting_in_seconds("lifetime_in_seconds");
        vec![
            promises(ApiType::object("gcp"))
                .lifetime(lifetime)
                .parameter_overrides_setting("gcp_scope", "scopes"),
        ]
    }

    fn configure(_: &str, settings: AccessTokenSettings, tenant: &Tenant) -> Result<Self, Failure> {
        Ok(Self {
            federation: settings.federation(tenant)?,
            service_account: settings.service_account()?,
            scopes: settings.scopes()?,
        })
    }

    fn issue(&self, grant: &Grant<Parameters>, replies: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        let scopes = self.scopes.chosen(grant.parameters.gcp_scope.as_deref())?;
        let Some(service_account) = &self.service_account else {
            return match replies {
                [] => self.federation.exchange(grant, &scopes.join(" ")),
                [exchanged, ..] => {
                    let FederatedToken { token, expires_in } = FederatedToken::read(exchanged)?;
                    let expires_in = expires_in
                        .ok_or_else(|| Failure::upstream_nonsense("Google's STS did not state an expiry"))?;
                    answer(grant, token, grant.now + expires_in)
                }
            };
        };
        match replies {
            [] => self.federation.exchange(grant, IAM_SCOPE),
            [exchanged] => {
                let federated = FederatedToken::read(exchanged)?;
                let request =
                    service_account.access_token_request(&federated, &scopes, grant.lifetime_seconds);
                Ok(IssueAnswer::Call { request })
            }
            [_, generated, ..] => {
                let (token, expires_at) = ServiceAccount::access_token(generated)?;
                answer(grant, token, expires_at)
            }
        }
    }
}

/// The response has the form of OAuth 2.0 (RFC 6749 section 5.1) whichever of the two services issued the token.
fn answer(grant: &Grant<Parameters>, token: String, expires_at: UnixTime) -> Result<IssueAnswer, Failure> {
    let expires_at = grant.stated_expiry(expires_at, TOLERANCE_SECONDS)?;
    let mut object = Map::new();
    object.insert("access_token".to_owned(), token.into());
    object.insert("token_type".to_owned(), "Bearer".into());
    let expires_in = expires_at.as_seconds() - grant.now.as_seconds();
    object.insert("expires_in".to_owned(), expires_in.into());
    Ok(grant.object(object, Some(expires_at)))
}
