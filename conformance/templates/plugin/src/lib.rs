//! @description@

use locum_plugin::prelude::*;
use locum_plugin::signing::{JwsSigner, SignatureKey};
@if revocable@
use locum_plugin::upstream::{@checked_endpoint@failure_for_reply, json_object, post_form, token_response};
@end@
@if upstream@
@if not revocable@
use locum_plugin::upstream::{@checked_endpoint@post_form, token_response};
@end@
@end@

locum_plugin::export_plugin! { name: "@api_type@", vendor: "@vendor@", issuers: [@Issuer@] }
@if upstream@

/// The grant by which a signed assertion is exchanged for a token, RFC 7523.
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Lifetime of the assertion, which is used at once.
const ASSERTION_SECONDS: i64 = 60;
@end@
@if host@
/// The upstream.
const HOST: &str = "@host@";
@end@
@if revocable@
/// Longest token that can be one of the upstream's.
const TOKEN_BYTES_MAX: usize = 4096;
@end@

// The comments with three slashes become the schema's descriptions, for operators.
/// The settings of an operator.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
@if hs256@
    /// The key that @signed@ are signed with, HS256.
    key: Secret,
@end@
@if rs256@
    /// The RSA private key that @signed@ are signed with, PEM.
    private_key: PrivateKey,
@end@
@if upstream@
    /// The id by which the upstream knows the holder of that key.
    client_id: String,
@end@
@if url@
    /// The URL at which the upstream issues tokens, such as `@token_url@`.
    token_url: String,
@if revocable@
    /// The URL at which the upstream revokes tokens, such as `@revocation_url@`.
    revocation_url: String,
@end@
@end@
@if not upstream@
    /// Lifetime of a token, in seconds: 300 if absent, at most 3600.
    #[expect(dead_code, reason = "only the engine reads it; the field is here for the schema")]
    #[schemars(range(min = 1))]
    lifetime: Option<u64>,
@end@
}

/// A configured issuer. Slow work, such as parsing keys, is done once, here.
struct @Issuer@ {
    signer: JwsSigner,
@if upstream@
    client_id: String,
    token_url: String,
@end@
@if revocable@
    revocation_url: String,
@end@
}

impl Issuer for @Issuer@ {
    type Settings = Settings;
    type Parameters = NoParameters;

    fn api_types() -> Vec<ApiType> {
@if not upstream@
        let lifetime = Lifetime::up_to_seconds(3600).default_seconds(300).setting_in_seconds("lifetime");
@end@
@if not upstream@
@if hs256@
        vec![ApiType::jwt("@api_type@").lifetime(lifetime).revoked_by_key_rotation(
            "Change the key, which invalidates every token that was signed with it.",
        )]
@end@
@if rs256@
        vec![ApiType::jwt("@api_type@").lifetime(lifetime).signs_with_setting("private_key").revoked_by_key_rotation(
            "Change the key, which invalidates every token that was signed with it.",
        )]
@end@
@end@
@if upstream@
        vec![
            ApiType::object("@api_type@")
                // The upstream decides the lifetime; a token with a longer one is refused.
                .lifetime(Lifetime::up_to_seconds(86_400))
@if host@
                .calls(Upstream::host(HOST))
@end@
@if url@
                .calls(Upstream::setting("token_url"))
@if revocable@
                .calls(Upstream::setting("revocation_url"))
@end@
@end@
@if rs256@
                .signs_with_setting("private_key")
@end@
@if revocable@
                .revoked_upstream("Revoke it through Locum, or at the upstream."),
@end@
@if not revocable@
                .not_revocable("It is valid until it expires. Block the user at the upstream."),
@end@
        ]
@end@
    }

    fn configure(_: &str, settings: Settings, _: &Tenant) -> Result<Self, Failure> {
@if hs256@
        let key = SignatureKey::hs256(settings.key.expose().as_bytes())
            .map_err(|error| Failure::setting("key", error.to_string()))?;
@end@
@if rs256@
        let key = SignatureKey::private(&settings.private_key, Algorithm::RS256)
            .map_err(|error| Failure::setting("private_key", error.to_string()))?;
@end@
@if not upstream@
        Ok(Self { signer: JwsSigner::new(key, Map::new()) })
@end@
@if upstream@
        Ok(Self {
            signer: JwsSigner::new(key, Map::new()),
            client_id: settings.client_id,
@if host@
            token_url: format!("https://{HOST}/token"),
@if revocable@
            revocation_url: format!("https://{HOST}/revoke"),
@end@
@end@
@if url@
            token_url: endpoint("token_url", &settings.token_url)?,
@if revocable@
            revocation_url: endpoint("revocation_url", &settings.revocation_url)?,
@end@
@end@
        })
@end@
    }

@if not upstream@
    fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        let claims = json!({ "sub": grant.user_id, "iat": grant.now, "exp": grant.expires_at() });
        Ok(grant.jwt(self.signer.sign(grant, &claims)?))
    }
@end@
@if upstream@
    fn issue(&self, grant: &Grant<NoParameters>, replies: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        if let [reply, ..] = replies {
            let response = token_response(reply)?;
            let expires_at = expires_at(grant, &response)?;
            return Ok(grant.object(response, expires_at));
        }
        let claims = json!({
            "iss": self.client_id, "sub": grant.user_id, "aud": self.token_url,
            "iat": grant.now, "exp": grant.expires_within(ASSERTION_SECONDS), "jti": grant.fresh_id(),
        });
        let assertion = self.signer.sign(grant, &claims)?;
        let fields = [("grant_type", GRANT_TYPE), ("assertion", assertion.as_str())];
        Ok(IssueAnswer::Call { request: post_form(&self.token_url, &fields) })
    }
@end@
@if revocable@

    fn revoke(
        &self,
        presented: &PresentedCredential,
        replies: &[UpstreamReply],
    ) -> Result<RevokeAnswer, Failure> {
        if let [reply, ..] = replies {
            return revoked(reply);
        }
        // What anybody sends here must not reach the upstream unless it can be one of its tokens.
        if !can_be_a_token(&presented.text) {
            return Ok(RevokeAnswer::AlreadyGone);
        }
        Ok(RevokeAnswer::Call { request: post_form(&self.revocation_url, &[("token", &presented.text)]) })
    }
@end@
}
@if upstream@

/// When a token expires, if the upstream says so. The host refuses a token that is valid for longer than granted.
fn expires_at<P>(grant: &Grant<P>, response: &Map<String, Value>) -> Result<Option<UnixTime>, Failure> {
    match response.get("expires_in").map(Value::as_i64) {
        None => Ok(None),
        Some(Some(seconds @ 1..)) => Ok(Some(grant.now + seconds)),
        Some(_) => Err(Failure::upstream_nonsense("expires_in is not a whole number of seconds above 0")),
    }
}
@end@
@if url@

fn endpoint(setting: &str, url: &str) -> Result<String, Failure> {
    checked_endpoint(url).map_err(|why| Failure::setting(setting, why))
}
@end@
@if revocable@

/// The upstream's answer to a revocation. An unknown token gets 200 too, RFC 7009.
fn revoked(reply: &UpstreamReply) -> Result<RevokeAnswer, Failure> {
    if reply.status == 200 {
        return Ok(RevokeAnswer::Revoked);
    }
    let error = json_object(reply).unwrap_or_default();
    Err(failure_for_reply(reply, error.get("error").and_then(Value::as_str)))
}

/// Whether a text can be one of the upstream's tokens. Make this as narrow as their form permits.
fn can_be_a_token(text: &str) -> bool {
    (8..=TOKEN_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
@end@

#[cfg(test)]
mod tests;
