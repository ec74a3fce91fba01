//! Subject tokens: a compact JWT in, verified claims out. The algorithm belongs to the key, never to the token.

use std::fmt;

use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};

use crate::limits::{KID_BYTES_MAX, SUBJECT_TOKEN_BYTES_MAX};
use crate::{base64url, strict_json};

/// The algorithms that subject tokens come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256, under a client's secret.
    HS256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, under a tenant's key.
    RS256,
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::RS256 => "RS256",
        }
    }

    fn of_library(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::HS256 => jsonwebtoken::Algorithm::HS256,
            Self::RS256 => jsonwebtoken::Algorithm::RS256,
        }
    }
}

/// A key that verifies tokens of one algorithm.
#[derive(Clone)]
pub struct VerificationKey {
    algorithm: Algorithm,
    kid: Option<String>,
    key: DecodingKey,
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerificationKey")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// A key that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyUnusable(pub &'static str);

impl VerificationKey {
    /// An HS256 key of these bytes.
    ///
    /// # Errors
    /// If there are none: an empty key verifies what anybody signed.
    pub fn hs256(bytes: &[u8]) -> Result<Self, KeyUnusable> {
        if bytes.is_empty() {
            return Err(KeyUnusable("the secret is empty"));
        }
        Ok(Self { algorithm: Algorithm::HS256, kid: None, key: DecodingKey::from_secret(bytes) })
    }

    /// An RS256 key from a JWKS member.
    ///
    /// # Errors
    /// If modulus or exponent is not base64url.
    pub fn rs256(kid: &str, n: &str, e: &str) -> Result<Self, KeyUnusable> {
        let key =
            DecodingKey::from_rsa_components(n, e).map_err(|_| KeyUnusable("it is not an RSA public key"))?;
        Ok(Self { algorithm: Algorithm::RS256, kid: Some(kid.to_owned()), key })
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &str) -> bool {
        let algorithm = self.algorithm.of_library();
        jsonwebtoken::crypto::verify(signature, message, &self.key, algorithm).unwrap_or(false)
    }
}

/// Why a token was refused: facts that its holder may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenRefused {
    #[error("id_token is too long")]
    TooLong,
    #[error("id_token is malformed")]
    Malformed,
    #[error("id_token is of the wrong type")]
    WrongType,
    #[error("id_token has the wrong algorithm")]
    WrongAlgorithm,
    #[error("id_token demands an extension that is not understood")]
    CriticalExtension,
    #[error("id_token is signed with an unknown key")]
    UnknownKey,
    #[error("id_token has a bad signature")]
    BadSignature,
}

/// Verifies a token with the one key among these that fits, and gives its claims. Nothing is said yet about them.
pub(crate) fn verify(token: &str, keys: &[&VerificationKey]) -> Result<Map<String, Value>, TokenRefused> {
    if token.len() > SUBJECT_TOKEN_BYTES_MAX {
        return Err(TokenRefused::TooLong);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(TokenRefused::Malformed)?;
    let (header, payload) = message.split_once('.').ok_or(TokenRefused::Malformed)?;
    if payload.contains('.') {
        return Err(TokenRefused::Malformed);
    }
    let header = Header::parse(header)?;
    let candidates = candidates(&header, keys)?;
    if !candidates.iter().any(|candidate| candidate.verifies(message.as_bytes(), signature)) {
        return Err(TokenRefused::BadSignature);
    }
    part(payload)
}

/// The keys of the token's algorithm; with a `kid`, only the key of that name.
fn candidates<'k>(
    header: &Header,
    keys: &[&'k VerificationKey],
) -> Result<Vec<&'k VerificationKey>, TokenRefused> {
    let mut fitting: Vec<_> =
        keys.iter().copied().filter(|key| key.algorithm.name() == header.algorithm).collect();
    if fitting.is_empty() {
        return Err(TokenRefused::WrongAlgorithm);
    }
    if let Some(kid) = &header.kid {
        fitting.retain(|key| key.kid.as_ref().is_none_or(|own| own == kid));
    }
    if fitting.is_empty() { Err(TokenRefused::UnknownKey) } else { Ok(fitting) }
}

/// The three header members that matter. `jku`, `x5u`, `jwk` and the like are never looked at.
struct Header {
    algorithm: String,
    kid: Option<String>,
}

impl Header {
    fn parse(text: &str) -> Result<Self, TokenRefused> {
        let mut members = part(text)?;
        // RFC 7515 section 4.1.11: what is critical and not understood makes the token invalid. We understand none.
        if members.contains_key("crit") {
            return Err(TokenRefused::CriticalExtension);
        }
        match members.get("typ") {
            None => {}
            Some(Value::String(typ)) if typ.eq_ignore_ascii_case("jwt") => {}
            Some(_) => return Err(TokenRefused::WrongType),
        }
        let Some(Value::String(algorithm)) = members.remove("alg") else {
            return Err(TokenRefused::Malformed);
        };
        let kid = match members.remove("kid") {
            None => None,
            Some(Value::String(kid)) if kid.len() <= KID_BYTES_MAX => Some(kid),
            Some(_) => return Err(TokenRefused::Malformed),
        };
        Ok(Self { algorithm, kid })
    }
}

fn part(text: &str) -> Result<Map<String, Value>, TokenRefused> {
    let bytes = base64url::decode(text).ok_or(TokenRefused::Malformed)?;
    strict_json::object(&bytes).map_err(|_| TokenRefused::Malformed)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const SECRET: &[u8] = b"0123456789-0123456789-0123456789";

    fn key() -> VerificationKey {
        VerificationKey::hs256(SECRET).unwrap()
    }

    fn signed(header: &str, payload: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signing = jsonwebtoken::EncodingKey::from_secret(SECRET);
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &signing, jsonwebtoken::Algorithm::HS256).unwrap();
        format!("{message}.{signature}")
    }

    fn good() -> String {
        signed(r#"{"typ":"JWT","alg":"HS256"}"#, r#"{"sub":"auth0|alice"}"#)
    }

    fn refused(token: &str) -> TokenRefused {
        verify(token, &[&key()]).unwrap_err()
    }

    #[test]
    fn a_good_token_gives_its_claims() {
        assert_eq!(Value::Object(verify(&good(), &[&key()]).unwrap()), json!({"sub": "auth0|alice"}));
    }

    #[test]
    fn alg_none_is_refused_in_every_spelling() {
        for alg in ["none", "None", "NONE", "nOnE", ""] {
            let token = signed(&json!({ "alg": alg }).to_string(), "{}");
            assert_eq!(refused(&token), TokenRefused::WrongAlgorithm);
            let unsigned = format!("{}.", token.rsplit_once('.').unwrap().0);
            assert_eq!(refused(&unsigned), TokenRefused::WrongAlgorithm);
        }
    }

    #[test]
    fn an_algorithm_that_is_not_the_keys_is_refused() {
        for alg in ["HS384", "RS256", "hs256", "ES256"] {
            assert_eq!(
                refused(&signed(&json!({ "alg": alg }).to_string(), "{}")),
                TokenRefused::WrongAlgorithm
            );
        }
    }

    #[test]
    fn keys_in_the_header_are_never_looked_at() {
        let header = r#"{"alg":"HS256","jku":"http://127.0.0.1:1/","x5u":"http://127.0.0.1:1/","jwk":{"kty":"oct","k":""}}"#;
        assert!(verify(&signed(header, "{}"), &[&key()]).is_ok());
        assert_eq!(refused(&format!("{}x", signed(header, "{}"))), TokenRefused::BadSignature);
    }

    #[test]
    fn header_members_of_the_wrong_type_are_refused() {
        for header in
            [r#"{"alg":["HS256"]}"#, r#"{"alg":"HS256","kid":7}"#, r#"{"alg":"HS256","alg":"HS256"}"#, "[]"]
        {
            assert_eq!(refused(&signed(header, "{}")), TokenRefused::Malformed, "{header}");
        }
        assert_eq!(refused(&signed(r#"{"alg":"HS256","typ":"at+jwt"}"#, "{}")), TokenRefused::WrongType);
        assert_eq!(
            refused(&signed(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, "{}")),
            TokenRefused::CriticalExtension
        );
    }

    #[test]
    fn every_prefix_and_every_extension_is_refused() {
        let token = good();
        for end in 0..token.len() {
            assert!(verify(&token[..end], &[&key()]).is_err(), "{end}");
        }
        for more in ["A", "=", ".", ".e30", " ", "\n"] {
            assert!(verify(&format!("{token}{more}"), &[&key()]).is_err(), "{more:?}");
            assert!(verify(&format!("{more}{token}"), &[&key()]).is_err(), "{more:?}");
        }
    }

    #[test]
    fn an_empty_secret_is_no_key() {
        assert!(VerificationKey::hs256(b"").is_err());
    }

    proptest! {
        #[test]
        fn a_changed_character_is_refused(at in 0usize..90, with in "[A-Za-z0-9_.-]") {
            let token = good();
            let at = at % token.len();
            prop_assume!(token[at..=at] != with);
            let changed = format!("{}{with}{}", &token[..at], &token[at + 1..]);
            prop_assert!(verify(&changed, &[&key()]).is_err());
        }

        #[test]
        fn nothing_that_is_not_signed_gets_through(text in ".{0,200}") {
            prop_assert!(verify(&text, &[&key()]).is_err());
        }
    }
}
