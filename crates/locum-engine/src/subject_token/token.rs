//! The verification of a compact JWT (RFC 7515, RFC 7519).

use std::borrow::Cow;

use aws_lc_rs::hmac;

use crate::base64url;
use crate::jws_parts::jws_parts;
use crate::limits::{KID_BYTES_MAX, SUBJECT_TOKEN_BYTES_MAX};
use crate::model::TokenType;
use crate::strict_json::{Members, Node, NotStrictJson, object};
use crate::subject_token::key::VerificationKey;

/// Why a token was refused. Clients receive the texts, after the name of the parameter that the token was sent as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("is too long")]
    TooLong,
    #[error("is malformed")]
    Malformed,
    #[error("has an integer of more than 64 bits, which would lose digits")]
    IntegerTooLong,
    #[error("is of the wrong type")]
    WrongType,
    #[error("has the wrong algorithm")]
    WrongAlgorithm,
    #[error("demands an extension that is not understood")]
    CriticalExtension,
    #[error("is signed with an unknown key")]
    UnknownKey,
    #[error("has a bad signature")]
    BadSignature,
}

/// A token that was read and not verified: nothing that it says is true yet.
#[derive(Debug)]
pub(crate) struct Token<'t, 'd> {
    jws: Jws<'t, 'd>,
    claims: Members<'d>,
}

impl<'t, 'd> Token<'t, 'd> {
    /// Reads a token. The claims borrow from `decoded`, which receives the decoded header and claims.
    pub(crate) fn read(token: &'t str, decoded: &'d mut Vec<u8>) -> Result<Self, TokenError> {
        let jws = Jws::read(token, decoded)?;
        let claims = part(jws.payload)?;
        Ok(Self { jws, claims })
    }

    /// The `iss` that the token claims, to choose the keys by.
    pub(crate) fn claimed_issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Node::as_text)
    }

    /// The `aud` that the token claims, if that is one text.
    pub(crate) fn claimed_audience(&self) -> Option<&str> {
        self.claims.get("aud").and_then(Node::as_text)
    }

    /// The `sub` that the token claims.
    pub(crate) fn claimed_subject(&self) -> Option<&str> {
        self.claims.get("sub").and_then(Node::as_text)
    }

    /// What the token claims to be.
    pub(crate) fn claimed_type(&self) -> TokenType {
        self.jws.header.token_type
    }

    /// The name of the key that the token claims to be signed with.
    pub(crate) fn claimed_kid(&self) -> Option<&str> {
        self.jws.header.kid.as_deref()
    }

    /// The claims, which are not checked yet, if one of these keys has signed them with HS256.
    pub(crate) fn verify_hs256(self, keys: &[hmac::Key]) -> Result<Members<'d>, TokenError> {
        if self.jws.header.algorithm != "HS256" {
            return Err(TokenError::WrongAlgorithm);
        }
        let signature = base64url::decode(self.jws.signature).ok_or(TokenError::BadSignature)?;
        let message = self.jws.message.as_bytes();
        let is_signed = keys.iter().any(|key| hmac::verify(key, message, &signature).is_ok());
        if is_signed { Ok(self.claims) } else { Err(TokenError::BadSignature) }
    }

    /// The claims, which are not checked yet, if one of these keys has signed them.
    pub(crate) fn verify(self, keys: &[&VerificationKey]) -> Result<Members<'d>, TokenError> {
        self.jws.verify(keys).map(|()| self.claims)
    }
}

/// The parts of a compact serialization (RFC 7515 section 7.1), whatever is signed.
#[derive(Debug)]
pub(super) struct Jws<'t, 'd> {
    /// What is signed.
    message: &'t str,
    signature: &'t str,
    header: Header<'d>,
    payload: &'d [u8],
}

impl<'t, 'd> Jws<'t, 'd> {
    /// Reads the parts; `decoded` receives header and payload.
    pub(super) fn read(token: &'t str, decoded: &'d mut Vec<u8>) -> Result<Self, TokenError> {
        if token.len() > SUBJECT_TOKEN_BYTES_MAX {
            return Err(TokenError::TooLong);
        }
        let mut parts = jws_parts(token);
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenError::Malformed);
        };
        let message = token.get(..header.len() + 1 + payload.len()).unwrap_or_default();
        decoded.clear();
        let mut decode = |part| match base64url::append_decoded(part, decoded) {
            true => Ok(decoded.len()),
            false => Err(TokenError::Malformed),
        };
        let header_bytes = decode(header)?;
        decode(payload)?;
        let (header, payload) = decoded.split_at(header_bytes);
        Ok(Self { message, signature, header: Header::read(part(header)?)?, payload })
    }

    /// Whether one of these keys has signed it.
    pub(super) fn verify(&self, keys: &[&VerificationKey]) -> Result<(), TokenError> {
        let candidates = candidates(&self.header, keys)?;
        let signature = base64url::decode(self.signature).ok_or(TokenError::BadSignature)?;
        let message = self.message.as_bytes();
        let is_signed = candidates.iter().any(|candidate| candidate.verifies(message, &signature));
        if is_signed { Ok(()) } else { Err(TokenError::BadSignature) }
    }
}

/// The keys of the token's algorithm and, if the token has a `kid`, of that name.
fn candidates<'k>(
    header: &Header<'_>,
    keys: &[&'k VerificationKey],
) -> Result<Vec<&'k VerificationKey>, TokenError> {
    let mut fitting: Vec<_> = keys.iter().copied().filter(|key| key.algorithm == header.algorithm).collect();
    if fitting.is_empty() {
        return Err(TokenError::WrongAlgorithm);
    }
    if let Some(kid) = &header.kid {
        fitting.retain(|key| key.kid.as_ref().is_none_or(|own| own == kid));
    }
    if fitting.is_empty() { Err(TokenError::UnknownKey) } else { Ok(fitting) }
}

/// The header members that select a key. `jku`, `x5u`, `jwk` and the like are ignored.
#[derive(Debug)]
struct Header<'t> {
    token_type: TokenType,
    algorithm: Cow<'t, str>,
    kid: Option<Cow<'t, str>>,
}

impl<'t> Header<'t> {
    fn read(mut members: Members<'t>) -> Result<Self, TokenError> {
        // RFC 7515 section 4.1.11: a critical extension that is not understood makes the token invalid. None is.
        if members.get("crit").is_some() {
            return Err(TokenError::CriticalExtension);
        }
        let token_type = token_type(members.get("typ"))?;
        let Some(Node::Text(algorithm)) = members.remove("alg") else {
            return Err(TokenError::Malformed);
        };
        let kid = match members.remove("kid") {
            None => None,
            Some(Node::Text(kid)) if kid.len() <= KID_BYTES_MAX => Some(kid),
            Some(_) => return Err(TokenError::Malformed),
        };
        Ok(Self { token_type, algorithm, kid })
    }
}

/// The type that `typ` states. An access token must state it, so that it is never taken for an id_token (RFC 9068
/// section 2.1); a media type may be written without `application/` (RFC 7515 section 4.1.9).
fn token_type(typ: Option<&Node<'_>>) -> Result<TokenType, TokenError> {
    let typ = match typ {
        None => return Ok(TokenType::IdToken),
        Some(Node::Text(typ)) => typ,
        Some(_) => return Err(TokenError::WrongType),
    };
    if typ.eq_ignore_ascii_case("jwt") {
        Ok(TokenType::IdToken)
    } else if typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt") {
        Ok(TokenType::AccessToken)
    } else {
        Err(TokenError::WrongType)
    }
}

fn part(text: &[u8]) -> Result<Members<'_>, TokenError> {
    object(text).map_err(|refused| match refused {
        NotStrictJson::IntegerTooLong => TokenError::IntegerTooLong,
        NotStrictJson::Malformed(_) => TokenError::Malformed,
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::model::ClientSecret;

    const SECRET: &str = "0123456789-0123456789-0123456789";

    fn key() -> VerificationKey {
        VerificationKey::hs256_of(&ClientSecret::new(&SECRET.into(), false).unwrap())
    }

    fn signed(header: &str, payload: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signing = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &signing, jsonwebtoken::Algorithm::HS256).unwrap();
        format!("{message}.{signature}")
    }

    fn good() -> String {
        signed(r#"{"typ":"JWT","alg":"HS256"}"#, r#"{"sub":"auth0|alice"}"#)
    }

    fn verified(token: &str, keys: &[&VerificationKey]) -> Result<Value, TokenError> {
        let mut decoded = Vec::new();
        let claims = Token::read(token, &mut decoded)?.verify(keys)?;
        Ok(Node::Object(claims).to_value())
    }

    fn refused(token: &str) -> TokenError {
        verified(token, &[&key()]).unwrap_err()
    }

    #[test]
    fn the_header_states_the_type_of_the_token() {
        for (typ, expected) in [
            (r#""typ":"JWT","#, TokenType::IdToken),
            ("", TokenType::IdToken),
            (r#""typ":"at+jwt","#, TokenType::AccessToken),
            (r#""typ":"application/AT+JWT","#, TokenType::AccessToken),
        ] {
            let token = signed(&format!(r#"{{{typ}"alg":"HS256"}}"#), "{}");
            assert_eq!(Token::read(&token, &mut Vec::new()).unwrap().claimed_type(), expected, "{typ}");
        }
    }

    #[test]
    fn a_claim_keeps_its_digits_or_the_token_is_refused() {
        let header = r#"{"typ":"JWT","alg":"HS256"}"#;
        let with = |number: &str| signed(header, &format!(r#"{{"sub":"auth0|alice","account":{number}}}"#));
        for kept in ["18446744073709551615", "-9223372036854775808", "9007199254740993"] {
            let claims = verified(&with(kept), &[&key()]).unwrap();
            assert_eq!(claims["account"].to_string(), kept);
        }
        for lost in ["18446744073709551616", "123456789012345678901234567890"] {
            assert_eq!(refused(&with(lost)), TokenError::IntegerTooLong, "{lost}");
        }
    }

    #[test]
    fn a_token_of_the_largest_size_is_read_and_one_byte_more_refused() {
        let padded = |header: usize, payload: usize| {
            let header = format!(r#"{{"typ":"JWT","alg":"HS256"}}{}"#, " ".repeat(header));
            signed(&header, &format!(r#"{{"sub":"auth0|alice"}}{}"#, " ".repeat(payload)))
        };
        let of_size = |size: usize| {
            let rest = (size - good().len()) * 3 / 4;
            let sizes = (0..8).flat_map(|header| (rest - 16..=rest).map(move |payload| (header, payload)));
            sizes.map(|(header, payload)| padded(header, payload)).find(|token| token.len() == size).unwrap()
        };
        assert!(verified(&of_size(SUBJECT_TOKEN_BYTES_MAX), &[&key()]).is_ok());
        assert_eq!(refused(&of_size(SUBJECT_TOKEN_BYTES_MAX + 1)), TokenError::TooLong);
    }

    #[test]
    fn debug_shows_the_name_of_a_key_and_not_the_key() {
        let shown = format!("{:?}", key());
        assert_eq!(shown, "VerificationKey { algorithm: \"HS256\", kid: None, .. }");
    }

    #[test]
    fn a_good_token_gives_its_claims() {
        assert_eq!(verified(&good(), &[&key()]).unwrap(), json!({"sub": "auth0|alice"}));
    }

    #[test]
    fn alg_none_is_refused_in_every_spelling() {
        for alg in ["none", "None", "NONE", "nOnE", ""] {
            let token = signed(&json!({ "alg": alg }).to_string(), "{}");
            assert_eq!(refused(&token), TokenError::WrongAlgorithm);
            let unsigned = format!("{}.", token.rsplit_once('.').unwrap().0);
            assert_eq!(refused(&unsigned), TokenError::WrongAlgorithm);
        }
    }

    #[test]
    fn an_algorithm_other_than_that_of_the_key_is_refused() {
        for alg in ["HS384", "RS256", "hs256", "ES256"] {
            assert_eq!(
                refused(&signed(&json!({ "alg": alg }).to_string(), "{}")),
                TokenError::WrongAlgorithm
            );
        }
    }

    #[test]
    fn keys_in_the_header_are_ignored() {
        let header = r#"{"alg":"HS256","jku":"http://127.0.0.1:1/","x5u":"http://127.0.0.1:1/","jwk":{"kty":"oct","k":""}}"#;
        assert!(verified(&signed(header, "{}"), &[&key()]).is_ok());
        assert_eq!(refused(&format!("{}x", signed(header, "{}"))), TokenError::BadSignature);
    }

    #[test]
    fn header_members_of_the_wrong_type_are_refused() {
        for header in
            [r#"{"alg":["HS256"]}"#, r#"{"alg":"HS256","kid":7}"#, r#"{"alg":"HS256","alg":"HS256"}"#, "[]"]
        {
            assert_eq!(refused(&signed(header, "{}")), TokenError::Malformed, "{header}");
        }
        assert_eq!(refused(&signed(r#"{"alg":"HS256","typ":"dpop+jwt"}"#, "{}")), TokenError::WrongType);
        assert_eq!(
            refused(&signed(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, "{}")),
            TokenError::CriticalExtension
        );
    }

    #[test]
    fn every_prefix_and_every_extension_is_refused() {
        let token = good();
        for end in 0..token.len() {
            assert!(verified(&token[..end], &[&key()]).is_err(), "{end}");
        }
        for more in ["A", "=", ".", ".e30", " ", "\n"] {
            assert!(verified(&format!("{token}{more}"), &[&key()]).is_err(), "{more:?}");
            assert!(verified(&format!("{more}{token}"), &[&key()]).is_err(), "{more:?}");
        }
    }

    proptest! {
        #[test]
        fn a_changed_character_is_refused(at in 0usize..90, with in "[A-Za-z0-9_.-]") {
            let token = good();
            let at = at % token.len();
            prop_assume!(token[at..=at] != with);
            let changed = format!("{}{with}{}", &token[..at], &token[at + 1..]);
            prop_assert!(verified(&changed, &[&key()]).is_err());
        }

        #[test]
        fn a_text_without_a_valid_signature_is_refused(text in ".{0,200}") {
            prop_assert!(verified(&text, &[&key()]).is_err());
        }
    }
}
