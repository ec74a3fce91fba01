//! Key, header and claims of the three versions, without input or output.

use locum_plugin::prelude::*;
use locum_plugin::signing::sha256;

/// The issuer, and in version 3 also the audience.
const ISSUER: &str = "urn:microsoft:windows-azure:zumo";

/// The identity provider of users who signed in neither with Microsoft nor with a social provider.
const PROVIDER: &str = "Custom";

/// The three versions of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V2,
    V3,
}

/// The HMAC key that Microsoft's runtime derives from the master key's text.
pub(crate) fn signing_key(master_key: &str) -> [u8; 32] {
    sha256(format!("{master_key}JWTSig").as_bytes())
}

/// The header's `kid`: a number in version 1, the same number as a text in version 2, absent in version 3.
pub(crate) fn key_id(version: Version) -> Option<Value> {
    match version {
        Version::V1 => Some(0.into()),
        Version::V2 => Some("0".into()),
        Version::V3 => None,
    }
}

/// The claims. `ver` is a number in versions 1 and 2 and a text in version 3, as in Microsoft's runtimes.
pub(crate) fn claims(version: Version, user_id: &str, now: UnixTime, expires_at: UnixTime) -> Value {
    let uid = format!("{PROVIDER}:{user_id}");
    let older = |number: u8| json!({ "iat": now, "exp": expires_at, "iss": ISSUER, "ver": number, "aud": PROVIDER, "uid": uid });
    match version {
        Version::V1 => older(1),
        Version::V2 => older(2),
        Version::V3 => json!({
            "iat": now, "nbf": now, "exp": expires_at, "iss": ISSUER, "ver": "3", "aud": ISSUER, "uid": uid
        }),
    }
}

#[cfg(test)]
mod tests {
    use locum_plugin::signing::HmacKey;

    use super::*;

    #[test]
    fn the_key_signs_as_the_runtime_expects() {
        // {"alg":"HS256","typ":"JWT","kid":"0"} and
        // {"exp":1893456000,"iss":"urn:microsoft:windows-azure:zumo","ver":2,"aud":"Custom","uid":"Custom:1"}
        let message = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IjAifQ.eyJleHAiOjE4OTM0NTYwMDAsImlzcyI6InVybjptaWNyb3NvZnQ6d2luZG93cy1henVyZTp6dW1vIiwidmVyIjoyLCJhdWQiOiJDdXN0b20iLCJ1aWQiOiJDdXN0b206MSJ9";
        let signed = |master_key| HmacKey::new(&signing_key(master_key)).unwrap().sign(message.as_bytes());
        // mf37jon3406i3ur5p7rdN4z3ba9qFuvolyUOXy53bho in base64url.
        let expected = [0x99, 0xfd, 0xfb, 0x8e, 0x89, 0xf7, 0xe3, 0x4e, 0xa2, 0xde];
        assert_eq!(signed("masterkey123")[..10], expected);
        assert_ne!(signed("masterkey124")[..10], expected);
    }
}
