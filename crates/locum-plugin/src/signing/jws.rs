//! Compact JWTs (RFC 7515, RFC 7519) under one header, signed with a secret here or with a private key at the host.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::Simd;
use base64::engine::general_purpose::NO_PAD;
use locum_abi::answer::Failure;
use serde::Serialize;
use serde_json::{Map, Value};

use super::key::{HmacKey, Holder, SignatureKey};
use crate::algorithm::Algorithm;
use crate::grant::Grant;
use crate::private_key::PrivateKey;

/// Encodes many bytes at a time, where the processor can (RFC 4648 section 5).
static URL_SAFE_NO_PAD: LazyLock<Simd> = LazyLock::new(|| Simd::url_safe(NO_PAD));

/// Signs claims with one key under one header.
pub struct JwsSigner(Signer);

enum Signer {
    Hs256 {
        /// In base64url.
        header: String,
        key: HmacKey,
    },
    /// In a box, because most clients are signed for with a secret, and it is large.
    Host(Box<AtHost>),
}

struct AtHost {
    members: Map<String, Value>,
    algorithm: Algorithm,
    key: PrivateKey,
}

impl JwsSigner {
    /// A signer whose tokens have the header `{"typ":"JWT","alg":…}` and these further members. They may replace `typ`, and
    /// an `alg` among them is ignored. The host adds the `kid` of the tenant's key, and no other member to its tokens.
    pub fn new(key: SignatureKey, members: Map<String, Value>) -> Self {
        let algorithm = key.algorithm();
        let members = members.into_iter().filter(|(name, _)| name != "alg");
        Self(match key.holder {
            Holder::Plugin(key) => {
                let mut header = Map::new();
                header.insert("typ".to_owned(), "JWT".into());
                header.insert("alg".to_owned(), algorithm.name().into());
                header.extend(members);
                Signer::Hs256 { header: URL_SAFE_NO_PAD.encode(Value::Object(header).to_string()), key }
            }
            Holder::Host(key) => {
                Signer::Host(Box::new(AtHost { members: members.collect(), algorithm, key }))
            }
        })
    }

    /// The signed compact JWT with these claims.
    ///
    /// # Errors
    /// Return the failure as it is: with a private key, it asks the host to sign ([`Grant::sign_jwt`], which also says what
    /// the host signs). [`Failure::internal`] if the claims cannot be serialized to JSON.
    pub fn sign<P>(&self, grant: &Grant<P>, claims: &impl Serialize) -> Result<String, Failure> {
        match &self.0 {
            Signer::Hs256 { header, key } => {
                let claims =
                    serde_json::to_vec(claims).map_err(|error| Failure::internal(error.to_string()))?;
                let mut token = String::with_capacity(header.len() + claims.len() * 4 / 3 + 64);
                token.push_str(header);
                token.push('.');
                URL_SAFE_NO_PAD.encode_string(claims, &mut token);
                let signature = key.sign(token.as_bytes());
                token.push('.');
                URL_SAFE_NO_PAD.encode_string(signature, &mut token);
                Ok(token)
            }
            Signer::Host(at_host) => {
                let AtHost { members, algorithm, key } = &**at_host;
                grant.sign_jwt_with_header(key, *algorithm, members, claims)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{self, verify_hs256};

    fn sign(members: Value) -> String {
        let Value::Object(members) = members else { panic!("an object") };
        let signer = JwsSigner::new(SignatureKey::hs256(b"secret").unwrap(), members);
        signer.sign(&testing::typed_grant(), &json!({ "sub": "alice" })).unwrap()
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
