//! GitHub's tokens, and its answers to requests for them and to revocations.

use locum_plugin::prelude::*;
use locum_plugin::upstream::{failure_for_reply, json_object, retry_after_seconds};

/// Longest token. The tokens of 2026 contain a JWT and have some hundred characters.
const TOKEN_BYTES_MAX: usize = 4096;
/// The longest time that clients are told to wait. GitHub's limits are per hour.
const WAIT_SECONDS_MAX: i64 = 3600;

/// The object for the client, in the form of OAuth 2.0 (RFC 6749 section 5.1), and when the token expires.
pub(crate) fn read(reply: &UpstreamReply, now: UnixTime) -> Result<(Map<String, Value>, UnixTime), Failure> {
    if reply.status != 201 {
        return Err(refusal(reply, Some(now)));
    }
    let answer = json_object(reply).unwrap_or_default();
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let token = text("token").filter(|token| is_githubs(token));
    let (Some(token), Some(expires_at)) = (token, text("expires_at").and_then(UnixTime::from_rfc3339)) else {
        return Err(Failure::upstream_nonsense("GitHub answered 201 without a token and its expiry"));
    };
    let mut object = Map::new();
    object.insert("access_token".to_owned(), token.into());
    object.insert("token_type".to_owned(), "Bearer".into());
    object.insert("expires_in".to_owned(), (expires_at.as_seconds() - now.as_seconds()).into());
    for (name, is_right) in
        [("permissions", Value::is_object as fn(&Value) -> bool), ("repository_selection", Value::is_string)]
    {
        if let Some(value) = answer.get(name).filter(|value| is_right(value)) {
            object.insert(name.to_owned(), value.clone());
        }
    }
    Ok((object, expires_at))
}

/// Whether a text has the form of installation access tokens, old and new. Any other token belongs to another issuer and
/// must not be sent to GitHub.
pub(crate) fn is_githubs(token: &str) -> bool {
    token.len() <= TOKEN_BYTES_MAX
        && token.strip_prefix("ghs_").is_some_and(|rest| {
            !rest.is_empty()
                && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        })
}

/// GitHub's answer to a revocation. It knows neither expired nor revoked tokens, and answers 401 to both.
pub(crate) fn revoked(reply: &UpstreamReply) -> Result<RevokeAnswer, Failure> {
    match reply.status {
        204 => Ok(RevokeAnswer::Revoked),
        401 => Ok(RevokeAnswer::AlreadyGone),
        _ => Err(refusal(reply, None)),
    }
}

/// GitHub has no error codes besides the status, so the status is the code. It answers 404 for an installation that is not
/// the app's, and 422 for repositories and permissions that the installation does not have.
fn refusal(reply: &UpstreamReply, now: Option<UnixTime>) -> Failure {
    let status = reply.status;
    match status {
        403 | 429 if is_rate_limited(reply) => {
            Failure::upstream_busy(seconds_to_wait(reply, now), format!("the upstream answered {status}"))
        }
        401 | 403 | 404 | 422 => {
            Failure::upstream_refused(status.to_string(), format!("the upstream answered {status}"))
        }
        _ => failure_for_reply(reply, None),
    }
}

fn is_rate_limited(reply: &UpstreamReply) -> bool {
    reply.status == 429
        || reply.header("retry-after").is_some()
        || reply.header("x-ratelimit-remaining") == Some("0")
}

/// The `Retry-After`, or the time until the limit is reset, if GitHub says when.
fn seconds_to_wait(reply: &UpstreamReply, now: Option<UnixTime>) -> u64 {
    let reset = reply.header("x-ratelimit-reset").and_then(|reset| reset.parse::<i64>().ok());
    let until_reset = now.zip(reset).map(|(now, reset)| reset.saturating_sub(now.as_seconds()));
    match until_reset.filter(|seconds| reply.header("retry-after").is_none() && *seconds > 0) {
        Some(seconds) => seconds.min(WAIT_SECONDS_MAX).unsigned_abs(),
        None => retry_after_seconds(reply),
    }
}
