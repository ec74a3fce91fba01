//! An object that an upstream gives and takes back: calls, replies, the failures of upstreams.

use locum_plugin::prelude::*;
use locum_plugin::upstream::{endpoint, granted_token, post_form, refusal};

/// A visit at the gatekeeper's.
pub(crate) struct Visit {
    tokens: String,
}

/// The gatekeeper.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The URL of the gatekeeper; `https://gate.example.com` if absent.
    gate: Option<String>,
}

impl Issuer for Visit {
    type Settings = Settings;
    type Parameters = NoParameters;

    fn api_types() -> Vec<ApiType> {
        vec![
            ApiType::object("old_2026_11_visit")
                .lives(Lifetime::up_to_seconds(3600))
                .calls(Upstream::Host { host: "gate.example.com".to_owned() })
                .calls(Upstream::Setting { setting: "gate".to_owned() })
                .revoked_upstream("Revoke it here, or ask the gatekeeper to end the visit."),
        ]
    }

    fn configure(_: &str, settings: Settings, _: &Tenant) -> Result<Self, Failure> {
        let gate = settings.gate.as_deref().unwrap_or("https://gate.example.com");
        let gate = endpoint(gate).map_err(|why| Failure::setting("gate", why))?;
        Ok(Self { tokens: format!("{gate}/tokens") })
    }

    fn issue(&self, grant: &Grant<NoParameters>, replies: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        match replies {
            [] => {
                let life = grant.lifetime_seconds.to_string();
                let fields = [("user", grant.user_id.as_str()), ("seconds", &life)];
                Ok(IssueAnswer::Call { request: post_form(&self.tokens, &fields) })
            }
            [reply, ..] => Ok(grant.object(granted_token(reply)?, None)),
        }
    }

    fn revoke(&self, credential: &str, replies: &[UpstreamReply]) -> Result<RevokeAnswer, Failure> {
        match replies {
            _ if !credential.starts_with("visit-") => Ok(RevokeAnswer::AlreadyGone),
            [] => Ok(RevokeAnswer::Call { request: post_form(&self.tokens, &[("revoke", credential)]) }),
            [reply, ..] if reply.status == 200 => Ok(RevokeAnswer::Revoked),
            [reply, ..] => Err(refusal(reply.status, None)),
        }
    }
}
