//! An issuer with an upstream and a signature by the host.

use locum_plugin::prelude::*;
use locum_plugin::upstream::{post_form, token_response};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    token_url: String,
    private_key: PrivateKey,
}

pub(crate) struct Exchange(Settings);

impl Issuer for Exchange {
    type Settings = Settings;
    type Parameters = NoParameters;

    fn api_types() -> Vec<ApiType> {
        vec![
            ApiType::object("exchange")
                .calls(Upstream::setting("token_url"))
                .signs_with_setting("private_key")
                .keeps()
                .expiry_skew_seconds(30)
                .revoked_upstream("Revoke it through the host."),
        ]
    }

    fn configure(_: &str, settings: Settings, _: &Tenant) -> Result<Self, Failure> {
        Ok(Self(settings))
    }

    fn issue(&self, grant: &Grant<NoParameters>, replies: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        if let [reply, ..] = replies {
            grant.kept.keep("cookie", "of-the-application", grant.expires_at());
            return Ok(grant.object(token_response(reply)?, Some(grant.expires_at())));
        }
        let claims = json!({ "sub": grant.user_id, "exp": grant.expires_within(60) });
        let assertion = grant.sign_jwt(&self.0.private_key, Algorithm::RS256, &claims)?;
        let cookie = grant.kept.get("cookie").unwrap_or_default();
        let fields = [("assertion", assertion.as_str()), ("cookie", cookie)];
        Ok(IssueAnswer::Call { request: post_form(&self.0.token_url, &fields) })
    }

    fn revoke(
        &self,
        presented: &PresentedCredential,
        replies: &[UpstreamReply],
    ) -> Result<RevokeAnswer, Failure> {
        match replies {
            [] => Ok(RevokeAnswer::Call {
                request: post_form(&self.0.token_url, &[("token", &presented.text)]),
            }),
            _ => Ok(RevokeAnswer::Revoked),
        }
    }
}
