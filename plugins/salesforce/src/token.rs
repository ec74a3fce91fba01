//! The JWT bearer grant (RFC 7523) as Salesforce takes it, its tokens, and its answers to revocations: pure.

use locum_plugin::prelude::*;
use locum_plugin::upstream::{json_object, refusal};

/// The grant that exchanges a JWT for an access token.
pub(crate) const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// How long the JWT is good. Salesforce takes three minutes, by its own clock.
const ASSERTION_SECONDS: i64 = 120;
/// Longest access token.
const TOKEN_BYTES_MAX: usize = 2048;

/// What Salesforce is told: this app asks for this user. The `jti` keeps two questions within one second apart.
pub(crate) fn claims<P>(client_id: &str, username: &str, audience: &str, grant: &Grant<P>) -> Value {
    json!({
        "iss": client_id,
        "sub": username,
        "aud": audience,
        "iat": grant.now,
        "exp": grant.now.saturating_add(ASSERTION_SECONDS),
        "jti": grant.fresh_id(),
    })
}

/// Whether it looks like an access token of Salesforce: the id of an organisation, `!`, and the rest. Others are
/// somebody else's, and never sent to Salesforce.
pub(crate) fn is_salesforces(token: &str) -> bool {
    token.starts_with("00D")
        && token.contains('!')
        && token.len() <= TOKEN_BYTES_MAX
        && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What Salesforce made of a revocation.
pub(crate) fn revoked(reply: &UpstreamReply) -> Result<RevokeAnswer, Failure> {
    if reply.status == 200 {
        return Ok(RevokeAnswer::Revoked);
    }
    let error = json_object(reply);
    let code = error.as_ref().and_then(|error| error.get("error")?.as_str());
    match (reply.status, code) {
        (400, Some("invalid_token" | "unsupported_token_type")) => Ok(RevokeAnswer::AlreadyGone),
        (status, code) => Err(refusal(status, code)),
    }
}
