//! An issuer that has the host keep a token of its own. With a bug it is the user's.

use locum_plugin::prelude::*;
use locum_plugin::upstream::{get, json_reply, post_form, token_response};

use crate::bug::Bug;

const HOST: &str = "login.example.com";

/// The settings of an operator.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Its bug.
    bug: Bug,
}

pub(crate) struct Keeping(Bug);

impl Issuer for Keeping {
    type Settings = Settings;
    type Parameters = NoParameters;

    fn api_types() -> Vec<ApiType> {
        vec![
            ApiType::text("chosen_bug_keeps", "ticket")
                .lifetime(Lifetime::up_to_seconds(600))
                .calls(Upstream::host(HOST))
                .keeps()
                .not_revocable("It is valid until it expires."),
        ]
    }

    fn configure(_: &str, settings: Settings, _: &Tenant) -> Result<Self, Failure> {
        Ok(Self(settings.bug))
    }

    fn issue(&self, grant: &Grant<NoParameters>, replies: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        let (token, replies) = match (grant.kept.get("token"), replies) {
            (Some(token), replies) => (token.to_owned(), replies),
            (None, []) => {
                let user = if self.0 == Bug::KeepsWhatIsTheUsers { grant.user_id.as_str() } else { "app" };
                let request = post_form(format!("https://{HOST}/app"), &[("for", user)]);
                return Ok(IssueAnswer::Call { request });
            }
            (None, [first, rest @ ..]) => {
                let answered = token_response(first)?;
                let token =
                    answered.get("access_token").and_then(Value::as_str).unwrap_or_default().to_owned();
                grant.kept.keep("token", token.as_str(), grant.now + 300);
                (token, rest)
            }
        };
        match replies {
            [] => {
                let url = format!("https://{HOST}/ticket?user={}", grant.user_id.replace('|', "%7C"));
                Ok(IssueAnswer::Call { request: get(url).bearer(&token) })
            }
            [reply, ..] => match json_reply(reply, "/error")?.get("ticket") {
                Some(Value::String(ticket)) if !ticket.is_empty() => Ok(grant.text(ticket.clone())),
                _ => Err(Failure::upstream_nonsense("the answer has no ticket")),
            },
        }
    }
}
