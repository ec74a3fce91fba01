//! A parsed private key, which signs with the algorithms of its type.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use zeroize::Zeroizing;

/// A private key.
pub(super) enum PrivateKey {
    Rsa(Box<RsaKeyPair>),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl PrivateKey {
    /// The private key in this PEM text, whose lines may end with an escaped `\n`: PKCS#8, for RSA also PKCS#1. The error says
    /// nothing about the key's bytes.
    pub(super) fn from_pem(text: &str) -> Result<Self, &'static str> {
        let pem = parsed(text).ok_or("it is not a PEM text")?;
        let is_pkcs1 = pem.tag() == "RSA PRIVATE KEY";
        let der = Zeroizing::new(pem.into_contents());
        let rsa = if is_pkcs1 { RsaKeyPair::from_der(&der) } else { RsaKeyPair::from_pkcs8(&der) };
        match rsa {
            Ok(key) => return Ok(Self::Rsa(Box::new(key))),
            Err(rejected) if rejected.to_string() == "TooSmall" => {
                return Err("an RSA key must have at least 2048 bits");
            }
            Err(_) => {}
        }
        if let Ok(key) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der) {
            return Ok(Self::P256(key));
        }
        let ed25519 = Ed25519KeyPair::from_pkcs8(&der);
        ed25519.map(Self::Ed25519).map_err(|_| "it is not an RSA, P-256 or Ed25519 private key in PKCS#8")
    }

    /// The names of the JWS algorithms that it signs with.
    pub(super) const fn algorithms(&self) -> &'static [&'static str] {
        match self {
            Self::Rsa(_) => &["RS256", "RS384", "RS512", "PS256"],
            Self::P256(_) => &["ES256"],
            Self::Ed25519(_) => &["EdDSA"],
        }
    }

    /// Whether a signature takes so long that it must wait its turn: hundreds of microseconds, not tens.
    pub(super) const fn is_slow(&self) -> bool {
        matches!(self, Self::Rsa(_))
    }

    /// The signature of the message, in the format of JWS; `None` if this is not one of its algorithms, or the crypto library
    /// refuses.
    pub(super) fn sign(&self, algorithm: &str, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match (self, algorithm) {
            (Self::Rsa(key), _) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(rsa_encoding(algorithm)?, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            (Self::P256(key), "ES256") => {
                key.sign(&random, message).ok().map(|signature| signature.as_ref().to_vec())
            }
            (Self::Ed25519(key), "EdDSA") => Some(key.sign(message).as_ref().to_vec()),
            _ => None,
        }
    }

    /// Whether a certificate in PEM is that of this RSA key. With the certificate of another one, every verifier would refuse
    /// the signatures.
    pub(super) fn is_certified_by(&self, certificate: &str) -> bool {
        let (Self::Rsa(key), Some(certificate)) = (self, parsed(certificate)) else { return false };
        // A certificate contains the RSAPublicKey structure byte for byte, once.
        let public_key = key.public_key().as_ref();
        certificate.contents().windows(public_key.len()).any(|bytes| bytes == public_key)
    }
}

fn rsa_encoding(algorithm: &str) -> Option<&'static dyn RsaEncoding> {
    Some(match algorithm {
        "RS256" => &RSA_PKCS1_SHA256,
        "RS384" => &RSA_PKCS1_SHA384,
        "RS512" => &RSA_PKCS1_SHA512,
        "PS256" => &RSA_PSS_SHA256,
        _ => return None,
    })
}

/// Reads a PEM text. Exports and environment variables often hold `\n` as two characters where a line ends.
fn parsed(text: &str) -> Option<pem::Pem> {
    let text = text.trim();
    if !text.contains("\\n") {
        return pem::parse(text).ok();
    }
    let without_returns = Zeroizing::new(text.replace("\\r", ""));
    pem::parse(Zeroizing::new(without_returns.replace("\\n", "\n")).as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
        RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
    };

    use super::*;

    const RSA: &str = include_str!("../../../../fixtures/keys/tenant-rsa.pem");
    const CERTIFICATE: &str = include_str!("../../../../fixtures/keys/tenant-rsa.cert.pem");

    fn refusal(pem: &str) -> &'static str {
        PrivateKey::from_pem(pem).err().unwrap_or_default()
    }

    fn p256() -> String {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        pem::encode(&pem::Pem::new("PRIVATE KEY", key.to_pkcs8v1().unwrap().as_ref()))
    }

    fn ed25519() -> String {
        let key = Ed25519KeyPair::generate().unwrap();
        pem::encode(&pem::Pem::new("PRIVATE KEY", key.to_pkcs8v1().unwrap().as_ref()))
    }

    fn public_key(key: &PrivateKey) -> Vec<u8> {
        match key {
            PrivateKey::Rsa(key) => key.public_key().as_ref().to_vec(),
            PrivateKey::P256(key) => key.public_key().as_ref().to_vec(),
            PrivateKey::Ed25519(key) => key.public_key().as_ref().to_vec(),
        }
    }

    #[test]
    fn each_key_signs_with_the_algorithms_of_its_type_and_no_other() {
        let verifications: [(&str, &dyn VerificationAlgorithm); 6] = [
            ("RS256", &RSA_PKCS1_2048_8192_SHA256),
            ("RS384", &RSA_PKCS1_2048_8192_SHA384),
            ("RS512", &RSA_PKCS1_2048_8192_SHA512),
            ("PS256", &RSA_PSS_2048_8192_SHA256),
            ("ES256", &ECDSA_P256_SHA256_FIXED),
            ("EdDSA", &ED25519),
        ];
        for pem in [RSA, &p256(), &ed25519()] {
            let key = PrivateKey::from_pem(pem).unwrap_or_else(|why| panic!("{why}"));
            for (algorithm, verification) in verifications {
                let own = key.algorithms().contains(&algorithm);
                let signature = key.sign(algorithm, b"text");
                assert_eq!(signature.is_some(), own, "{algorithm}");
                let public_key = UnparsedPublicKey::new(verification, public_key(&key));
                if let Some(signature) = signature {
                    public_key.verify(b"text", &signature).unwrap_or_else(|_| panic!("{algorithm}"));
                    assert!(public_key.verify(b"other", &signature).is_err(), "{algorithm}");
                }
            }
            assert_eq!(key.is_slow(), pem == RSA);
            assert_eq!(key.sign("HS256", b"text"), None);
            assert_eq!(key.sign("none", b"text"), None);
        }
    }

    #[test]
    fn a_pem_with_escaped_line_ends_is_read_as_one_with_line_ends() {
        for line_end in ["\\n", "\\r\\n", "\r\n"] {
            assert_eq!(refusal(&RSA.replace('\n', line_end)), "", "{line_end:?}");
        }
        assert_eq!(refusal(&RSA.replace('\n', "\\t")), "it is not a PEM text");
    }

    #[test]
    fn a_text_that_is_no_usable_private_key_is_refused() {
        assert_eq!(refusal("secret"), "it is not a PEM text");
        assert_eq!(refusal(""), "it is not a PEM text");
        let small = include_str!("testdata/rsa-1024.pem");
        assert_eq!(refusal(small), "an RSA key must have at least 2048 bits");
        for other in [CERTIFICATE, &pem::encode(&pem::Pem::new("PRIVATE KEY", b"x".as_slice()))] {
            assert_eq!(refusal(other), "it is not an RSA, P-256 or Ed25519 private key in PKCS#8");
        }
    }

    #[test]
    fn a_certificate_is_that_of_its_own_key_only() {
        let key = PrivateKey::from_pem(RSA).unwrap_or_else(|why| panic!("{why}"));
        assert!(key.is_certified_by(CERTIFICATE));
        assert!(key.is_certified_by(&CERTIFICATE.replace('\n', "\\n")));
        let other = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        assert!(!PrivateKey::Rsa(Box::new(other)).is_certified_by(CERTIFICATE));
        assert!(!key.is_certified_by("no pem"));
        let p256 = PrivateKey::from_pem(&p256()).unwrap_or_else(|why| panic!("{why}"));
        assert!(!p256.is_certified_by(CERTIFICATE));
    }
}
