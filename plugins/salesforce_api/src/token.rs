//! Salesforce's JWT bearer grant (RFC 7523), its tokens and its answers to revocations, without input or output.

use locum_plugin::prelude::*;
use locum_plugin::upstream::{failure_for_reply, json_object};

/// The grant type that exchanges a JWT for an access token.
pub(crate) const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The lifetime of the JWT. Salesforce accepts three minutes, by its own clock.
const ASSERTION_SECONDS: i64 = 120;
/// Longest access token.
const TOKEN_BYTES_MAX: usize = 2048;

/// The claims of the JWT: this app requests a token for this user. The `jti` distinguishes two requests of the same second.
pub(crate) fn claims<P>(client_id: &str, username: &str, audience: &str, grant: &Grant<P>) -> Value {
    json!({
        "iss": client_id,
        "sub": username,
        "aud": audience,
        "iat": grant.now,
        "exp": grant.expires_within(ASSERTION_SECONDS),
        "jti": grant.fresh_id(),
    })
}

/// Whether a text has the form of Salesforce's access tokens: the id of an organisation, `!`, and more. Any other token
/// belongs to another issuer and must not be sent to Salesforce.
pub(crate) fn is_salesforces(token: &str) -> bool {
    token.starts_with("00D")
        && token.contains('!')
        && token.len() <= TOKEN_BYTES_MAX
        && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Salesforce's answer to a revocation.
pub(crate) fn revoked(reply: &UpstreamReply) -> Result<RevokeAnswer, Failure> {
    if reply.status == 200 {
        return Ok(RevokeAnswer::Revoked);
    }
    let error = json_object(reply);
    let code = error.as_ref().and_then(|error| error.get("error")?.as_str());
    match (reply.status, code) {
        (400, Some("invalid_token" | "unsupported_token_type")) => Ok(RevokeAnswer::AlreadyGone),
        (_, code) => Err(failure_for_reply(reply, code)),
    }
}
