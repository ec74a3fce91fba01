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
    /// Signs under `{"typ":"JWT","alg":…}` and these further header members, which may replace `typ`.
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

    /// The compact JWT of these claims.
    ///
    /// # Errors
    /// [`Failure::internal`] if they are no JSON, or the crypto library refuses.
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
    use crate::testing::open_hs256;

    fn sign(members: Value) -> String {
        let Value::Object(members) = members else { panic!("an object") };
        let signer = JwsSigner::new(SignatureKey::hs256(b"secret").unwrap(), members);
        signer.sign(&json!({ "sub": "alice" })).unwrap()
    }

    #[test]
    fn the_header_keeps_its_order_and_takes_members() {
        let token = sign(json!({ "kid": "k1" }));
        let opened = open_hs256(b"secret", &token).unwrap();
        assert_eq!(opened.header.to_string(), r#"{"typ":"JWT","alg":"HS256","kid":"k1"}"#);
        assert_eq!(opened.claims, json!({ "sub": "alice" }));
    }

    #[test]
    fn a_member_replaces_typ_and_never_alg() {
        let token = sign(json!({ "typ": "at+jwt", "alg": "none" }));
        let opened = open_hs256(b"secret", &token).unwrap();
        assert_eq!(opened.header.to_string(), r#"{"typ":"at+jwt","alg":"HS256"}"#);
    }

    #[test]
    fn another_secret_does_not_open_it() {
        assert!(open_hs256(b"other", &sign(json!({}))).is_none());
    }
}
