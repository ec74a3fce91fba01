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
