//! Keys for every algorithm that issuers sign with.

use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
#[cfg(feature = "saml")]
use aws_lc_rs::signature::KeyPair as _;
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
    /// RSASSA-PSS with SHA-256. Signatures are random.
    PS256,
    /// ECDSA on P-256 with SHA-256. Signatures are random.
    ES256,
    /// Ed25519 (RFC 8032).
    EdDSA,
}

impl Algorithm {
    /// The algorithm's name in a JWS header.
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

/// Why a key cannot be used. The text says nothing about the key's bytes.
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
    /// The key with these bytes.
    ///
    /// # Errors
    /// If it is empty: anybody can sign with an empty key.
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
    Hmac(Box<HmacKey>),
    Rsa(&'static dyn RsaEncoding, Box<RsaKeyPair>),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SignatureKey {
    /// An HS256 key with these bytes.
    ///
    /// # Errors
    /// If it is empty.
    pub fn hs256(secret: &[u8]) -> Result<Self, KeyError> {
        Ok(Self { algorithm: Algorithm::HS256, kind: Kind::Hmac(Box::new(HmacKey::new(secret)?)) })
    }

    /// The private key in this PEM text, whose lines may end with an escaped `\n`: PKCS#8, for RSA also PKCS#1. RSA keys
    /// must have at least 2048 bits.
    ///
    /// The key signs once here, so that a key that cannot sign is found before the first request.
    ///
    /// # Errors
    /// If the text is not such a key, or the key does not suit the algorithm or cannot sign.
    pub fn from_pem(algorithm: Algorithm, pem: &str) -> Result<Self, KeyError> {
        let pem = parsed(pem).map_err(|_| KeyError("it is not a PEM text"))?;
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
        let key = Self { algorithm, kind };
        key.sign(b"locum")?;
        Ok(key)
    }

    /// The algorithm that the key signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The DER bytes of this RSA key's certificate, from PEM. With the certificate of another key every verifier would
    /// refuse the signatures.
    ///
    /// # Errors
    /// If the text is not a certificate, or its public key is not the public half of this key.
    #[cfg(feature = "saml")]
    pub(crate) fn certificate_der(&self, pem: &str) -> Result<Vec<u8>, KeyError> {
        let pem = parsed(pem).map_err(|_| KeyError("the certificate is not a PEM text"))?;
        let der = pem.into_contents();
        // A certificate contains the RSAPublicKey structure byte for byte, once.
        let public_key = match &self.kind {
            Kind::Rsa(_, key) => key.public_key().as_ref(),
            _ => return Err(KeyError("only the certificate of an RSA key can be checked")),
        };
        if !der.windows(public_key.len()).any(|bytes| bytes == public_key) {
            return Err(KeyError("the certificate is not that of the key"));
        }
        Ok(der)
    }

    /// The signature of the message, in the format of JWS.
    ///
    /// # Errors
    /// If the crypto library refuses to sign.
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

/// Reads a PEM text. Exports and environment variables often hold `\n` as two characters where a line ends.
fn parsed(text: &str) -> Result<pem::Pem, pem::PemError> {
    let text = text.trim();
    if text.contains("\\n") {
        pem::parse(text.replace("\\r", "").replace("\\n", "\n"))
    } else {
        pem::parse(text)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestKey;

    fn refusal(algorithm: Algorithm, pem: &str) -> String {
        SignatureKey::from_pem(algorithm, pem).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn each_private_key_signs_with_the_algorithms_of_its_type() {
        let families = [
            (TestKey::rsa(), &[Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256][..]),
            (TestKey::p256(), &[Algorithm::ES256]),
            (TestKey::ed25519(), &[Algorithm::EdDSA]),
        ];
        for (key, algorithms) in families {
            for &algorithm in algorithms {
                assert_eq!(refusal(algorithm, key.private_key_pem()), "", "{algorithm:?}");
            }
        }
    }

    #[test]
    fn a_key_of_another_type_is_refused() {
        assert_eq!(
            refusal(Algorithm::RS256, TestKey::p256().private_key_pem()),
            "it is not an RSA private key"
        );
        assert_eq!(
            refusal(Algorithm::ES256, TestKey::rsa().private_key_pem()),
            "it is not a P-256 private key in PKCS#8"
        );
        assert_eq!(
            refusal(Algorithm::EdDSA, TestKey::p256().private_key_pem()),
            "it is not an Ed25519 private key in PKCS#8"
        );
    }

    #[test]
    fn an_hmac_algorithm_refuses_a_private_key() {
        let refused = refusal(Algorithm::HS256, TestKey::rsa().private_key_pem());
        assert_eq!(refused, "HS256 signs with a secret, not with a private key");
    }

    #[test]
    fn a_text_that_is_not_pem_is_refused() {
        assert_eq!(refusal(Algorithm::RS256, "secret"), "it is not a PEM text");
    }

    #[test]
    fn a_pem_with_escaped_line_ends_is_read_as_one_with_line_ends() {
        for line_end in ["\\n", "\\r\\n", "\r\n"] {
            let pem = TestKey::rsa().private_key_pem().replace('\n', line_end);
            assert_eq!(refusal(Algorithm::RS256, &pem), "", "{line_end:?}");
        }
        let pem = TestKey::rsa().private_key_pem().replace('\n', "\\t");
        assert_eq!(refusal(Algorithm::RS256, &pem), "it is not a PEM text");
    }

    #[test]
    fn an_empty_secret_is_refused_and_a_secret_of_one_byte_is_not() {
        assert!(HmacKey::new(b"").is_err());
        assert!(HmacKey::new(b"k").is_ok());
    }

    #[test]
    fn hmac_gives_the_result_of_rfc_4231() {
        let mac = HmacKey::new(b"Jefe").unwrap().sign(b"what do ya want for nothing?");
        assert_eq!(mac[..4], [0x5b, 0xdc, 0xc1, 0x46]);
        assert_eq!(mac[28..], [0x64, 0xec, 0x38, 0x43]);
    }
}
