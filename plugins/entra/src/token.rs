//! Microsoft's answers: a token with its lifetime, or a refusal with its number.

use locum_plugin::prelude::*;
use locum_plugin::upstream::{failure_for_reply, json_object, token_response};

/// The token response, unchanged, and the lifetime in it, in seconds.
pub(crate) fn read(reply: &UpstreamReply) -> Result<(Map<String, Value>, i64), Failure> {
    if reply.status != 200 {
        return Err(refusal(reply));
    }
    let object = token_response(reply)?;
    let is_bearer = object.get("token_type").and_then(Value::as_str) == Some("Bearer");
    let expires_in =
        object.get("expires_in").and_then(Value::as_u64).and_then(|seconds| u32::try_from(seconds).ok());
    match expires_in.filter(|seconds| is_bearer && *seconds > 0) {
        Some(seconds) => Ok((object, i64::from(seconds))),
        None => Err(Failure::upstream_nonsense("Entra answered 200 without a bearer token and its lifetime")),
    }
}

/// The lifetime, if it is not longer than that of the grant: a token cannot be shortened.
pub(crate) fn within_grant(expires_in: i64, lifetime_seconds: i64) -> Result<i64, Failure> {
    if expires_in > lifetime_seconds {
        return Err(Failure::internal(format!(
            "the token is valid for {expires_in} s, and {lifetime_seconds} s are granted; raise lifetime_ceiling_seconds, or shorten tokens by a token lifetime policy in Entra"
        )));
    }
    Ok(expires_in)
}

/// Microsoft's codes of OAuth are coarse: `invalid_client` is a wrong subject, issuer and key alike. So the code that is
/// passed on is the number that Microsoft documents, if the answer has one.
fn refusal(reply: &UpstreamReply) -> Failure {
    let error = json_object(reply).unwrap_or_default();
    let number = error.get("error_codes").and_then(|codes| codes.get(0)?.as_u64());
    let number = number.map(|number| format!("AADSTS{number}"));
    failure_for_reply(reply, number.as_deref().or_else(|| error.get("error")?.as_str()))
}
