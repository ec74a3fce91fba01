//! Keys that are generated for the test run, and verification of tokens that were signed with them.
#![expect(clippy::expect_used, reason = "a test fails if its key cannot be generated")]

use std::sync::OnceLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
    UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::algorithm::Algorithm;

/// A key pair that exists as long as the test process.
pub struct TestKey {
    private_key_pem: String,
    public_key: Vec<u8>,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl TestKey {
    /// An RSA key of 2048 bits, the same one for the whole process.
    pub fn rsa() -> &'static Self {
        static KEY: OnceLock<TestKey> = OnceLock::new();
        KEY.get_or_init(|| {
            let key = RsaKeyPair::generate(KeySize::Rsa2048).expect("the crypto library generates RSA keys");
            let pkcs8 = key.as_der().expect("an RSA key has a PKCS#8 form");
            let public_key = key.public_key().as_ref().to_vec();
            Self::of(pkcs8.as_ref(), public_key, Pair::Rsa(Box::new(key)))
        })
    }

    /// A P-256 key, the same one for the whole process.
    pub fn p256() -> &'static Self {
        static KEY: OnceLock<TestKey> = OnceLock::new();
        KEY.get_or_init(|| {
            let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new())
                .expect("the crypto library generates P-256 keys");
            let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref()).expect("its own key is accepted");
            Self::of(pkcs8.as_ref(), key.public_key().as_ref().to_vec(), Pair::P256(key))
        })
    }

    /// An Ed25519 key, the same one for the whole process.
    pub fn ed25519() -> &'static Self {
        static KEY: OnceLock<TestKey> = OnceLock::new();
        KEY.get_or_init(|| {
            let pkcs8 = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new())
                .expect("the crypto library generates Ed25519 keys");
            let key = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).expect("its own key is accepted");
            Self::of(pkcs8.as_ref(), key.public_key().as_ref().to_vec(), Pair::Ed25519(key))
        })
    }

    fn of(pkcs8: &[u8], public_key: Vec<u8>, pair: Pair) -> Self {
        let private_key_pem = pem::encode(&pem::Pem::new("PRIVATE KEY", pkcs8));
        Self { private_key_pem, public_key, pair }
    }

    /// The key with this PEM text.
    pub(super) fn of_pem(pem: &str) -> Option<&'static Self> {
        [Self::rsa, Self::p256, Self::ed25519]
            .into_iter()
            .map(|key| key())
            .find(|key| key.private_key_pem == pem)
    }

    /// The names of the algorithms that it signs with.
    pub(super) fn algorithms(&self) -> Vec<String> {
        let algorithms = match self.pair {
            Pair::Rsa(_) => &["RS256", "RS384", "RS512", "PS256"][..],
            Pair::P256(_) => &["ES256"],
            Pair::Ed25519(_) => &["EdDSA"],
        };
        algorithms.iter().map(|&name| name.to_owned()).collect()
    }

    /// The signature of the message, in the format of JWS; `None` if the key has no such algorithm.
    pub(super) fn sign(&self, algorithm: &str, message: &[u8]) -> Option<Vec<u8>> {
        let rsa = |encoding: &'static dyn RsaEncoding| {
            let Pair::Rsa(key) = &self.pair else { return None };
            let mut signature = vec![0; key.public_modulus_len()];
            key.sign(encoding, &SystemRandom::new(), message, &mut signature).ok()?;
            Some(signature)
        };
        match (algorithm, &self.pair) {
            ("RS256", _) => rsa(&RSA_PKCS1_SHA256),
            ("RS384", _) => rsa(&RSA_PKCS1_SHA384),
            ("RS512", _) => rsa(&RSA_PKCS1_SHA512),
            ("PS256", _) => rsa(&RSA_PSS_SHA256),
            ("ES256", Pair::P256(key)) => {
                key.sign(&SystemRandom::new(), message).ok().map(|signature| signature.as_ref().to_vec())
            }
            ("EdDSA", Pair::Ed25519(key)) => Some(key.sign(message).as_ref().to_vec()),
            _ => None,
        }
    }

    /// The private key: PEM, PKCS#8.
    pub fn private_key_pem(&self) -> &str {
        &self.private_key_pem
    }

    /// The public key: RSAPublicKey in DER for RSA, an uncompressed point for P-256, 32 bytes for Ed25519.
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// Whether this key made the signature of the message. False for HMAC algorithms.
    pub fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let algorithm: &'static dyn VerificationAlgorithm = match algorithm {
            Algorithm::HS256 => return false,
            Algorithm::RS256 => &RSA_PKCS1_2048_8192_SHA256,
            Algorithm::RS384 => &RSA_PKCS1_2048_8192_SHA384,
            Algorithm::RS512 => &RSA_PKCS1_2048_8192_SHA512,
            Algorithm::PS256 => &RSA_PSS_2048_8192_SHA256,
            Algorithm::ES256 => &ECDSA_P256_SHA256_FIXED,
            Algorithm::EdDSA => &ED25519,
        };
        UnparsedPublicKey::new(algorithm, &self.public_key).verify(message, signature).is_ok()
    }

    /// The content of the token, if this key signed it with this algorithm.
    pub fn verify_jwt(&self, algorithm: Algorithm, token: &str) -> Option<VerifiedJwt> {
        VerifiedJwt::of(token, |message, signature| self.verifies(algorithm, message, signature))
    }
}

/// The content of the token, if this secret signed it with HS256.
pub fn verify_hs256(secret: &[u8], token: &str) -> Option<VerifiedJwt> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    VerifiedJwt::of(token, |message, signature| hmac::verify(&key, message, signature).is_ok())
}

/// The two JSON parts of a compact JWT whose signature was verified.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct VerifiedJwt {
    /// The JOSE header, its members in the order of the token.
    pub header: Value,
    /// The claims, in the order of the token.
    pub claims: Value,
}

impl VerifiedJwt {
    fn of(token: &str, verifies: impl FnOnce(&[u8], &[u8]) -> bool) -> Option<Self> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        if !verifies(message.as_bytes(), &decode(signature)?) {
            return None;
        }
        let parse = |part: &str| serde_json::from_slice(&decode(part)?).ok();
        Some(Self { header: parse(header)?, claims: parse(claims)? })
    }
}
