//! Keys that sign: HMAC keys here, private keys at the host.

use std::fmt;
use std::sync::OnceLock;

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::private_key::PrivateKey;

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
///
/// It is made ready when it signs for the first time, since that takes 1.2 kB: a server has a key for each of its clients, of
/// which few may be in use.
pub struct HmacKey {
    bytes: Zeroizing<Box<[u8]>>,
    ready: OnceLock<Box<hmac::Key>>,
}

impl HmacKey {
    /// The key with these bytes.
    ///
    /// # Errors
    /// If it is empty: anybody can sign with an empty key.
    pub fn new(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.is_empty() {
            return Err(KeyError("the key is empty"));
        }
        Ok(Self { bytes: Zeroizing::new(bytes.into()), ready: OnceLock::new() })
    }

    /// HMAC-SHA256 of the message.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let key = self.ready.get_or_init(|| Box::new(hmac::Key::new(hmac::HMAC_SHA256, &self.bytes)));
        hmac::sign(key, message).as_ref().to_vec()
    }
}

/// A key that signs JWTs with one algorithm.
pub struct SignatureKey {
    algorithm: Algorithm,
    pub(super) holder: Holder,
}

/// Who signs.
pub(super) enum Holder {
    /// The plugin itself.
    Plugin(HmacKey),
    /// The host, when it is asked.
    Host(PrivateKey),
}

impl SignatureKey {
    /// An HS256 key with these bytes.
    ///
    /// # Errors
    /// If it is empty.
    pub fn hs256(secret: &[u8]) -> Result<Self, KeyError> {
        Ok(Self { algorithm: Algorithm::HS256, holder: Holder::Plugin(HmacKey::new(secret)?) })
    }

    /// A private key that the host holds, for one of its algorithms.
    ///
    /// # Errors
    /// If the key is of another kind than the algorithm needs.
    pub fn private(key: &PrivateKey, algorithm: Algorithm) -> Result<Self, KeyError> {
        if key.signs_with(algorithm) {
            return Ok(Self { algorithm, holder: Holder::Host(key.clone()) });
        }
        Err(KeyError(match algorithm {
            Algorithm::HS256 => "HS256 signs with a secret, not with a private key",
            Algorithm::ES256 => "it is not a P-256 private key",
            Algorithm::EdDSA => "it is not an Ed25519 private key",
            Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512 | Algorithm::PS256 => {
                "it is not an RSA private key"
            }
        }))
    }

    /// The algorithm that the key signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

#[cfg(test)]
mod tests {
    use locum_abi::signing::SigningKeyInfo;

    use super::*;

    fn held(algorithm: Algorithm) -> PrivateKey {
        let algorithms = vec![algorithm.name().to_owned()];
        PrivateKey::new("tenant", SigningKeyInfo { algorithms, ..SigningKeyInfo::default() })
    }

    #[test]
    fn a_private_key_is_used_only_with_its_own_algorithms() {
        let refusal = |key: Algorithm, algorithm: Algorithm| {
            SignatureKey::private(&held(key), algorithm).err().map(|error| error.to_string())
        };
        assert_eq!(refusal(Algorithm::PS256, Algorithm::PS256), None);
        for (algorithm, kind) in [
            (Algorithm::RS256, "an RSA private key"),
            (Algorithm::ES256, "a P-256 private key"),
            (Algorithm::EdDSA, "an Ed25519 private key"),
        ] {
            assert_eq!(refusal(Algorithm::PS256, algorithm), Some(format!("it is not {kind}")));
        }
        let secret = "HS256 signs with a secret, not with a private key";
        assert_eq!(refusal(Algorithm::RS256, Algorithm::HS256).as_deref(), Some(secret));
    }

    #[test]
    fn an_empty_secret_is_refused_and_a_secret_of_one_byte_is_not() {
        assert!(HmacKey::new(b"").is_err());
        assert!(HmacKey::new(b"k").is_ok());
    }

    #[test]
    fn hmac_gives_the_result_of_rfc_4231() {
        let key = HmacKey::new(b"Jefe").unwrap();
        for _ in 0..2 {
            let mac = key.sign(b"what do ya want for nothing?");
            assert_eq!(mac[..4], [0x5b, 0xdc, 0xc1, 0x46]);
            assert_eq!(mac[28..], [0x64, 0xec, 0x38, 0x43]);
        }
    }
}
