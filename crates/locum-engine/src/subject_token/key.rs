//! Verification keys. The algorithm is a property of the key, so a token cannot choose it.

use std::fmt;

use jsonwebtoken::DecodingKey;

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

    fn of_library(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::HS256 => jsonwebtoken::Algorithm::HS256,
            Self::RS256 => jsonwebtoken::Algorithm::RS256,
        }
    }
}

/// A key that verifies tokens of one algorithm.
#[derive(Clone)]
pub(crate) struct VerificationKey {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
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

/// Why a key is not usable. The text does not contain the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidKey(pub &'static str);

impl VerificationKey {
    /// The HS256 key of a client secret.
    pub(crate) fn hs256_of(secret: &ClientSecret) -> Self {
        let key = DecodingKey::from_secret(secret.expose());
        Self { algorithm: Algorithm::HS256, kid: None, key }
    }

    /// An RS256 key from modulus and exponent in base64url (RFC 7518 section 6.3.1).
    ///
    /// # Errors
    /// Modulus or exponent is not base64url.
    pub(crate) fn rs256(kid: &str, n: &str, e: &str) -> Result<Self, InvalidKey> {
        let key =
            DecodingKey::from_rsa_components(n, e).map_err(|_| InvalidKey("it is not an RSA public key"))?;
        Ok(Self { algorithm: Algorithm::RS256, kid: Some(kid.to_owned()), key })
    }

    /// Whether `signature`, in base64url, is a signature of the message by this key.
    pub(crate) fn verifies(&self, message: &[u8], signature: &str) -> bool {
        let algorithm = self.algorithm.of_library();
        jsonwebtoken::crypto::verify(signature, message, &self.key, algorithm).unwrap_or(false)
    }
}
