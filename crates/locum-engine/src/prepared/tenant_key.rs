//! From a signing key in PEM to its public half. The pair signs once, so that one which cannot is found here.

use std::borrow::Cow;

use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::KeyPair as _;
use jsonwebtoken::EncodingKey;
use locum_abi::configuration::SigningKey;

use crate::base64url;
use crate::subject_token::{InvalidKey, VerificationKey};

/// The public half of an RSA key of the tenant.
#[derive(Debug, Clone)]
pub struct TenantKey {
    /// The `kid` in the JWKS and in the headers of tokens (RFC 7517 section 4.5).
    pub kid: String,
    /// The X.509 certificate of the key in PEM, if the tenant has one. It is not checked here.
    pub certificate_pem: Option<String>,
    /// The key as the JWKS publishes it.
    pub public: RsaPublicJwk,
    pub(crate) verification: VerificationKey,
}

/// The members of an RSA key in a JWKS (RFC 7518 section 6.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RsaPublicJwk {
    /// The modulus: its big-endian bytes in base64url.
    pub n: String,
    /// The exponent: its big-endian bytes in base64url.
    pub e: String,
}

impl TenantKey {
    /// Takes the public half of a private key in PKCS#8 (RFC 5208) or PKCS#1 (RFC 8017). The key is parsed once.
    ///
    /// # Errors
    /// If it is not an RSA private key in PEM, or cannot sign.
    pub fn from_signing_key(key: &SigningKey) -> Result<Self, InvalidKey> {
        let pair = rsa_key_pair(&with_line_ends(key.private_key_pem.expose()))?;
        let public = RsaPublicJwk {
            n: base64url::encode(pair.public_key().modulus().big_endian_without_leading_zero()),
            e: base64url::encode(pair.public_key().exponent().big_endian_without_leading_zero()),
        };
        let verification = VerificationKey::rs256(&key.kid, pair.public_key().as_ref())?;
        let certificate_pem = key.certificate_pem.as_deref().map(|pem| with_line_ends(pem).into_owned());
        Ok(Self { kid: key.kid.clone(), certificate_pem, public, verification })
    }
}

/// Exports and environment variables often contain `\n` as two characters at the end of a line of a PEM text.
fn with_line_ends(pem: &str) -> Cow<'_, str> {
    if pem.contains("\\n") { pem.replace("\\r", "").replace("\\n", "\n").into() } else { pem.into() }
}

fn rsa_key_pair(pem: &str) -> Result<KeyPair, InvalidKey> {
    // jsonwebtoken reads the PEM text and removes PKCS#8, but does not parse the key.
    let pkcs1 = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| wrong_kind(pem))?;
    KeyPair::from_der(pkcs1.as_bytes()).map_err(|rejected| match rejected.to_string().as_str() {
        "TooSmall" => InvalidKey("it is an RSA key of less than 2048 bits"),
        "TooLarge" => InvalidKey("it is an RSA key of more than 8192 bits"),
        _ => wrong_kind(pem),
    })
}

/// The refusal of a text that is not an RSA private key. It names the kind of text, and does not quote it.
fn wrong_kind(pem: &str) -> InvalidKey {
    let labelled = |label: &str| pem.contains(&format!("-----BEGIN {label}-----"));
    InvalidKey(if labelled("CERTIFICATE") {
        "it is a certificate; it must be an RSA private key in PEM"
    } else if labelled("PUBLIC KEY") || labelled("RSA PUBLIC KEY") {
        "it is a public key; it must be an RSA private key in PEM"
    } else if labelled("ENCRYPTED PRIVATE KEY") {
        "it is encrypted; it must be an RSA private key in PEM without a passphrase"
    } else if labelled("EC PRIVATE KEY") || EncodingKey::from_ec_pem(pem.as_bytes()).is_ok() {
        "it is an EC key; it must be an RSA private key in PEM"
    } else if EncodingKey::from_ed_pem(pem.as_bytes()).is_ok() {
        "it is an Ed25519 key; it must be an RSA private key in PEM"
    } else {
        "it is not an RSA private key in PEM"
    })
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_2048_8192_SHA256,
        RSA_PKCS1_SHA256, UnparsedPublicKey,
    };
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const PKCS8: &str = include_str!("../../../../fixtures/keys/tenant-rsa.pem");
    const PUBLIC: &str = include_str!("../../../../fixtures/keys/tenant-rsa.pub.pem");
    const TOO_LARGE: &str = include_str!("../../../../fixtures/keys/too-large-rsa.pem");
    const CERTIFICATE: &str = include_str!("../../../../fixtures/keys/tenant-rsa.cert.pem");

    /// Made for this test.
    const RSA_1024: &str = "\
-----BEGIN RSA PRIVATE KEY-----\n\
MIICXQIBAAKBgQD1G2C1sRVHm+sXiqgGpBy6rBblcD1mXlAytN6em5xQ6OsLUIKS\n\
RXXDdnAib8EPOulvN6h+LNtc2QfKPRrCqeixaG0fWDIthfODo5rD7iBkhhNEHDLA\n\
dCCAuXzGAvnFY1CAwh2BHhSLhWw78L6mNzvG6i4q832jeYzfzLEgKrq1QwIDAQAB\n\
AoGAQe+Rfo8aqF7bSUP1m4O+bsEoj6Q4ADfS3zEkygoWbPWbdTm9RlgFLAXKeJkT\n\
mGNCtLaGTxsGD94aaF8zubY3cCtbn70VWu5AdlHyJtbUv2k+aKcDeIlkz8wL+tl1\n\
YI68jpIBHMKIEKFQCECctKOFV6D/yN5YEXWzXXtNFZlWzIECQQD+YBzaDTSCBytg\n\
3kkF8g73cK7x4Ft2TakxCHp/iJB4aZwGg8gE2z0HskTgSYUjB8z4I3E5m5v+PVou\n\
QPYvvK6jAkEA9qwclzhmtd5lhtTdDXnlfIt/C03Ij9pu+LPahYA4i83erx4GS7cC\n\
jo+SKkLtcKRhAisbzAybVbgVOA8YM3Fo4QJBANVSZN+4E0C4Inip8TM7O7Hmnc/a\n\
Btm/ZxPnuFMbg4x3hJEyEpuAAD5kEb7F6RDniczObDWTec5MRURk1hBSe2ECQBZl\n\
Hdtk1X5hiJorLT6R+JHMIGaoUzMsQ7L0sTw5neijcjo34Z5yKRtEUaLgnKoDYoNN\n\
4qIt6tRneBW02R+ihkECQQCMGrihLkyu7wwbXvxmmVk+3Y/iJnkNgUOYWo8klB90\n\
rThYJSUpr0/NLf+bFUFx5AQbTaDzIqnxjSiIE8YLwJlk\n\
-----END RSA PRIVATE KEY-----";

    fn tenant_key(pem: &str) -> Result<TenantKey, InvalidKey> {
        let key = SigningKey { kid: "2030".to_owned(), private_key_pem: pem.into(), certificate_pem: None };
        TenantKey::from_signing_key(&key)
    }

    fn pem(label: &str, der: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
    }

    fn pkcs1() -> String {
        let key = EncodingKey::from_rsa_pem(PKCS8.as_bytes()).unwrap();
        pem("RSA PRIVATE KEY", key.as_bytes())
    }

    #[test]
    fn pkcs8_and_pkcs1_give_the_same_public_key() {
        let (pkcs8, pkcs1) = (tenant_key(PKCS8).unwrap(), tenant_key(&pkcs1()).unwrap());
        assert_eq!(pkcs8.public, pkcs1.public);
        assert_eq!((pkcs8.kid.as_str(), pkcs8.public.e.as_str()), ("2030", "AQAB"));
        assert_eq!(base64url::decode(&pkcs8.public.n).unwrap().len(), 256);
    }

    #[test]
    fn the_public_key_is_that_of_the_private_key() {
        let key = tenant_key(PKCS8).unwrap();
        let pair = rsa_key_pair(PKCS8).unwrap();
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), b"text", &mut signature).unwrap();
        assert!(key.verification.verifies(b"text", &signature));
        assert!(!key.verification.verifies(b"other", &signature));
        let published = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
        published.verify(b"text", &signature).unwrap();
    }

    #[test]
    fn halves_that_do_not_belong_together_are_refused() {
        let key = EncodingKey::from_rsa_pem(PKCS8.as_bytes()).unwrap();
        let whole = key.as_bytes();
        // The modulus begins after some 11 bytes of headers, the private exponent after the modulus and 5 more.
        for changed in [100, 400, 600, whole.len() - 10] {
            let mut der = whole.to_vec();
            der[changed] ^= 2;
            let refusal = tenant_key(&pem("RSA PRIVATE KEY", &der)).unwrap_err().to_string();
            assert!(refusal.starts_with("it is not an RSA private key in PEM"), "{changed}: {refusal}");
        }
        assert!(tenant_key(&pem("RSA PRIVATE KEY", whole)).is_ok());
    }

    #[test]
    fn any_other_kind_of_key_is_named_in_the_refusal() {
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let ec = ec.to_pkcs8v1().unwrap();
        let ed25519 = Ed25519KeyPair::generate().unwrap().to_pkcs8v1().unwrap();
        for (text, kind) in [
            (CERTIFICATE.to_owned(), "it is a certificate; it must be"),
            (PUBLIC.to_owned(), "it is a public key; it must be"),
            (pem("PRIVATE KEY", ec.as_ref()), "it is an EC key; it must be"),
            (pem("EC PRIVATE KEY", b"x"), "it is an EC key; it must be"),
            (pem("PRIVATE KEY", ed25519.as_ref()), "it is an Ed25519 key; it must be"),
            (pem("ENCRYPTED PRIVATE KEY", b"x"), "it is encrypted; it must be"),
            (RSA_1024.to_owned(), "it is an RSA key of less than 2048 bits"),
            (TOO_LARGE.to_owned(), "it is an RSA key of more than 8192 bits"),
            (pem("RSA PRIVATE KEY", b"x"), "it is not an RSA private key in PEM"),
            ("nonsense".to_owned(), "it is not an RSA private key in PEM"),
            (String::new(), "it is not an RSA private key in PEM"),
        ] {
            let refusal = tenant_key(&text).unwrap_err().to_string();
            assert!(refusal.starts_with(kind), "{refusal}; expected: {kind}");
        }
    }
}
