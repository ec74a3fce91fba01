//! The text of a management token.

use locum_abi::operation::ENTROPY_BYTES;
use serde::Serialize;

use crate::base64url;
use crate::prepared::Management;

/// The `gty` of a token that a client has got by its own credentials, as at Auth0.
pub(super) const OF_A_CLIENT: &str = "client-credentials";

/// The `gty` of a token that an operator has minted.
pub(super) const OF_AN_OPERATOR: &str = "locum-operator";

/// The `sub` of every operator. That of a client ends with [`CLIENT_SUFFIX`], so no client has it.
pub(super) const OPERATOR: &str = "operator@locum";

/// What follows the `client_id` in the `sub` of a client's token, as at Auth0.
pub(super) const CLIENT_SUFFIX: &str = "@clients";

/// `typ` is that of an access token (RFC 9068 section 2.1): the tenant signs no other of that type, and accepts none as the
/// token of a user.
const HEADER: &str = r#"{"alg":"HS256","typ":"at+jwt"}"#;

/// The claims of a management token, in Auth0's order.
#[derive(Serialize)]
pub(super) struct Claims<'a> {
    pub(super) iss: &'a str,
    pub(super) sub: &'a str,
    pub(super) aud: &'a str,
    pub(super) iat: i64,
    pub(super) exp: i64,
    /// The client; absent for an operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) azp: Option<&'a str>,
    pub(super) gty: &'static str,
    /// The scopes, separated by spaces; an operator without it has all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<&'a str>,
    pub(super) jti: &'a str,
}

impl Claims<'_> {
    /// The token, signed with the first key.
    pub(super) fn signed(&self, management: &Management) -> Option<String> {
        let claims = serde_json::to_vec(self).ok()?;
        let mut token = format!("{}.{}", base64url::encode(HEADER.as_bytes()), base64url::encode(&claims));
        let signature = management.sign(token.as_bytes())?;
        token.push('.');
        token.push_str(&base64url::encode(signature.as_ref()));
        Some(token)
    }
}

/// A `jti`, of 128 random bits.
pub(super) fn token_id(entropy: [u8; ENTROPY_BYTES]) -> String {
    hex::encode(entropy.split_at(ENTROPY_BYTES / 2).0)
}
