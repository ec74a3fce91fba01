//! Verification keys. The algorithm is a property of the key, so a token cannot choose it.

use std::fmt;
use std::sync::OnceLock;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
};
use jsonwebtoken::EncodingKey;

use crate::model::{ClientSecret, PublicKeyAlgorithm};

/// A key that verifies tokens of one algorithm.
#[derive(Clone)]
pub(crate) struct VerificationKey {
    /// The algorithm's name (RFC 7518 section 3.1).
    pub(super) algorithm: &'static str,
    pub(super) kid: Option<String>,
    material: KeyMaterial,
}

#[derive(Clone)]
enum KeyMaterial {
    /// Made ready for the first token, since that takes 1.2 kB: of many clients few may be in use.
    Hmac { secret: ClientSecret, ready: OnceLock<Box<hmac::Key>> },
    /// Parsed once: that takes a seventh of the time that a verification takes.
    Public(ParsedPublicKey),
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerificationKey")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// Why a key is not usable. The text does not contain the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidKey(pub &'static str);

impl VerificationKey {
    /// The HS256 key of a client secret.
    pub(crate) fn hs256_of(secret: &ClientSecret) -> Self {
        let material = KeyMaterial::Hmac { secret: secret.clone(), ready: OnceLock::new() };
        Self { algorithm: "HS256", kid: None, material }
    }

    /// An RS256 key of 2048 to 8192 bits from an `RSAPublicKey` in DER (RFC 8017 appendix A.1.1).
    ///
    /// # Errors
    /// The bytes are no such key.
    pub(crate) fn rs256(kid: &str, public_key: &[u8]) -> Result<Self, InvalidKey> {
        let key = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key)
            .map_err(|_| InvalidKey("it is not an RSA public key"))?;
        Ok(Self::public(Some(kid.to_owned()), PublicKeyAlgorithm::RS256, key))
    }

    /// The public half of a private key in PEM, for ES256 or EdDSA; `None` if it is no such key.
    pub(crate) fn of_private_key(algorithm: &str, pem: &str) -> Option<Self> {
        let (algorithm, key) = match algorithm {
            "ES256" => {
                let der = EncodingKey::from_ec_pem(pem.as_bytes()).ok()?;
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_bytes()).ok()?;
                let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref()).ok()?;
                (PublicKeyAlgorithm::ES256, key)
            }
            "EdDSA" => {
                let der = EncodingKey::from_ed_pem(pem.as_bytes()).ok()?;
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.as_bytes()).ok()?;
                (PublicKeyAlgorithm::EdDSA, ParsedPublicKey::new(&ED25519, pair.public_key().as_ref()).ok()?)
            }
            _ => return None,
        };
        Some(Self::public(None, algorithm, key))
    }

    /// A key that was parsed for this algorithm.
    pub(super) fn public(kid: Option<String>, algorithm: PublicKeyAlgorithm, key: ParsedPublicKey) -> Self {
        Self { algorithm: algorithm.name(), kid, material: KeyMaterial::Public(key) }
    }

    /// Whether it verifies tokens of this algorithm.
    pub(crate) fn is_for(&self, algorithm: PublicKeyAlgorithm) -> bool {
        self.algorithm == algorithm.name()
    }

    /// Whether this is a signature of the message by this key.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            KeyMaterial::Hmac { secret, ready } => {
                let make = || Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret.expose()));
                hmac::verify(ready.get_or_init(make), message, signature).is_ok()
            }
            KeyMaterial::Public(key) => key.verify_sig(message, signature).is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    fn pem(pkcs8: &[u8]) -> String {
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", BASE64_STANDARD.encode(pkcs8))
    }

    #[test]
    fn the_public_half_of_a_private_key_verifies_what_the_key_signs() {
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let ed = Ed25519KeyPair::generate().unwrap();
        let (ec_pem, ed_pem) =
            (pem(ec.to_pkcs8v1().unwrap().as_ref()), pem(ed.to_pkcs8v1().unwrap().as_ref()));
        let es256 = ec.sign(&SystemRandom::new(), b"text").unwrap();
        let eddsa = ed.sign(b"text");
        for (algorithm, pem, signature) in
            [("ES256", &ec_pem, es256.as_ref()), ("EdDSA", &ed_pem, eddsa.as_ref())]
        {
            let key = VerificationKey::of_private_key(algorithm, pem).unwrap();
            assert!(key.verifies(b"text", signature) && !key.verifies(b"other", signature), "{algorithm}");
            assert_eq!(key.algorithm, algorithm);
        }
        for (algorithm, pem) in
            [("ES256", &ed_pem), ("EdDSA", &ec_pem), ("RS256", &ec_pem), ("ES256", &String::new())]
        {
            assert!(VerificationKey::of_private_key(algorithm, pem).is_none(), "{algorithm}");
        }
    }
}
