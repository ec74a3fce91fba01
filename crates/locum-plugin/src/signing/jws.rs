//! Compact JWTs (RFC 7515, RFC 7519) with the header encoded once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use locum_abi::answer::Failure;
use serde::Serialize;
use serde_json::{Map, Value};

use super::key::SignatureKey;

/// Signs claims with one key under one header.
pub struct JwsSigner {
    header: String,
    key: SignatureKey,
}

impl JwsSigner {
    /// A signer whose tokens have the header `{"typ":"JWT","alg":…}` and these further members. They may replace `typ`, and
    /// an `alg` among them is ignored.
    pub fn new(key: SignatureKey, members: Map<String, Value>) -> Self {
        let mut header = Map::new();
        header.insert("typ".to_owned(), "JWT".into());
        header.insert("alg".to_owned(), key.algorithm().name().into());
        for (name, value) in members {
            if name != "alg" {
                header.insert(name, value);
            }
        }
        Self { header: URL_SAFE_NO_PAD.encode(Value::Object(header).to_string()), key }
    }

    /// The signed compact JWT with these claims.
    ///
    /// # Errors
    /// [`Failure::internal`] if the claims cannot be serialized to JSON, or the crypto library refuses.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, Failure> {
        let claims = serde_json::to_vec(claims).map_err(|error| Failure::internal(error.to_string()))?;
        let mut token = String::with_capacity(self.header.len() + claims.len() * 4 / 3 + 400);
        token.push_str(&self.header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature =
            self.key.sign(token.as_bytes()).map_err(|error| Failure::internal(error.to_string()))?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::verify_hs256;

    fn sign(members: Value) -> String {
        let Value::Object(members) = members else { panic!("an object") };
        let signer = JwsSigner::new(SignatureKey::hs256(b"secret").unwrap(), members);
        signer.sign(&json!({ "sub": "alice" })).unwrap()
    }

    #[test]
    fn further_header_members_follow_in_their_order() {
        let token = sign(json!({ "kid": "k1" }));
        let opened = verify_hs256(b"secret", &token).unwrap();
        assert_eq!(opened.header.to_string(), r#"{"typ":"JWT","alg":"HS256","kid":"k1"}"#);
        assert_eq!(opened.claims, json!({ "sub": "alice" }));
    }

    #[test]
    fn a_header_member_can_replace_typ_and_not_alg() {
        let token = sign(json!({ "typ": "at+jwt", "alg": "none" }));
        let opened = verify_hs256(b"secret", &token).unwrap();
        assert_eq!(opened.header.to_string(), r#"{"typ":"at+jwt","alg":"HS256"}"#);
    }

    #[test]
    fn a_token_does_not_verify_with_another_secret() {
        assert!(verify_hs256(b"other", &sign(json!({}))).is_none());
    }
}
