//! Keys of every algorithm that issuers sign with.

use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
    RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// A JWS algorithm (RFC 7518 section 3.1, RFC 8037).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    HS256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256. Never the same bytes twice.
    PS256,
    /// ECDSA on P-256 with SHA-256. Never the same bytes twice.
    ES256,
    /// Ed25519.
    EdDSA,
}

impl Algorithm {
    /// Its name in a JWS header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
        }
    }
}

/// Why a key cannot be used. Never says anything about its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyError(&'static str);

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for KeyError {}

/// An HMAC-SHA256 key.
pub struct HmacKey(hmac::Key);

impl HmacKey {
    /// The key of these bytes.
    ///
    /// # Errors
    /// If there are none: an empty key signs for everybody.
    pub fn new(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.is_empty() {
            return Err(KeyError("the key is empty"));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
    }

    /// HMAC-SHA256 of the message.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        hmac::sign(&self.0, message).as_ref().to_vec()
    }
}

/// A key that signs with one algorithm.
pub struct SignatureKey {
    algorithm: Algorithm,
    kind: Kind,
}

enum Kind {
    Hmac(HmacKey),
    Rsa(&'static dyn RsaEncoding, Box<RsaKeyPair>),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SignatureKey {
    /// An HS256 key of these bytes.
    ///
    /// # Errors
    /// If there are none.
    pub fn hs256(secret: &[u8]) -> Result<Self, KeyError> {
        Ok(Self { algorithm: Algorithm::HS256, kind: Kind::Hmac(HmacKey::new(secret)?) })
    }

    /// The private key in this PEM text: PKCS#8 (or PKCS#1 for RSA), RSA of at least 2048 bits.
    ///
    /// # Errors
    /// If it is no such key, or does not fit the algorithm.
    pub fn from_pem(algorithm: Algorithm, pem: &str) -> Result<Self, KeyError> {
        let pem = pem::parse(pem.trim()).map_err(|_| KeyError("it is not a PEM text"))?;
        let der = pem.contents();
        let kind = match algorithm {
            Algorithm::HS256 => return Err(KeyError("HS256 signs with a secret, not with a private key")),
            Algorithm::RS256 => Kind::Rsa(&RSA_PKCS1_SHA256, rsa_key(pem.tag(), der)?),
            Algorithm::RS384 => Kind::Rsa(&RSA_PKCS1_SHA384, rsa_key(pem.tag(), der)?),
            Algorithm::RS512 => Kind::Rsa(&RSA_PKCS1_SHA512, rsa_key(pem.tag(), der)?),
            Algorithm::PS256 => Kind::Rsa(&RSA_PSS_SHA256, rsa_key(pem.tag(), der)?),
            Algorithm::ES256 => Kind::Ecdsa(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
                    .map_err(|_| KeyError("it is not a P-256 private key in PKCS#8"))?,
            ),
            Algorithm::EdDSA => Kind::Ed25519(
                Ed25519KeyPair::from_pkcs8(der)
                    .map_err(|_| KeyError("it is not an Ed25519 private key in PKCS#8"))?,
            ),
        };
        Ok(Self { algorithm, kind })
    }

    /// What it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The signature of the message, in the form that JWS wants.
    ///
    /// # Errors
    /// If the crypto library refuses, which a key that was parsed does not make it do.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let refused = |_| KeyError("the crypto library refused to sign");
        match &self.kind {
            Kind::Hmac(key) => Ok(key.sign(message)),
            Kind::Rsa(encoding, key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(*encoding, &SystemRandom::new(), message, &mut signature).map_err(refused)?;
                Ok(signature)
            }
            Kind::Ecdsa(key) => key
                .sign(&SystemRandom::new(), message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(refused),
            Kind::Ed25519(key) => Ok(key.sign(message).as_ref().to_vec()),
        }
    }
}

fn rsa_key(tag: &str, der: &[u8]) -> Result<Box<RsaKeyPair>, KeyError> {
    let key = if tag == "RSA PRIVATE KEY" { RsaKeyPair::from_der(der) } else { RsaKeyPair::from_pkcs8(der) };
    let key = key.map_err(|_| KeyError("it is not an RSA private key"))?;
    if key.public_modulus_len() < 256 {
        return Err(KeyError("an RSA key must have at least 2048 bits"));
    }
    Ok(Box::new(key))
}
