//! Verification keys. The algorithm is a property of the key, so a token cannot choose it.

use std::fmt;
use std::sync::OnceLock;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};

use crate::model::ClientSecret;

/// The algorithms of subject tokens (RFC 7518 section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// HMAC with SHA-256, under a client's secret.
    HS256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, under a tenant's key.
    RS256,
}

impl Algorithm {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::RS256 => "RS256",
        }
    }
}

/// A key that verifies tokens of one algorithm.
#[derive(Clone)]
pub(crate) struct VerificationKey {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    material: KeyMaterial,
}

#[derive(Clone)]
enum KeyMaterial {
    /// Made ready for the first token, since that takes 1.2 kB: of many clients few may be in use.
    Hmac { secret: ClientSecret, ready: OnceLock<Box<hmac::Key>> },
    /// Parsed once: that takes a seventh of the time that a verification takes.
    Rsa(ParsedPublicKey),
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
        Self { algorithm: Algorithm::HS256, kid: None, material }
    }

    /// An RS256 key of 2048 to 8192 bits from an `RSAPublicKey` in DER (RFC 8017 appendix A.1.1).
    ///
    /// # Errors
    /// The bytes are no such key.
    pub(crate) fn rs256(kid: &str, public_key: &[u8]) -> Result<Self, InvalidKey> {
        let key = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key)
            .map_err(|_| InvalidKey("it is not an RSA public key"))?;
        let material = KeyMaterial::Rsa(key);
        Ok(Self { algorithm: Algorithm::RS256, kid: Some(kid.to_owned()), material })
    }

    /// Whether this is a signature of the message by this key.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            KeyMaterial::Hmac { secret, ready } => {
                let make = || Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret.expose()));
                hmac::verify(ready.get_or_init(make), message, signature).is_ok()
            }
            KeyMaterial::Rsa(key) => key.verify_sig(message, signature).is_ok(),
        }
    }
}
