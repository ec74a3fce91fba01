//! From a signing key in PEM to its public half, proved to be one pair that signs.

use std::borrow::Cow;

use jsonwebtoken::EncodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use locum_abi::configuration::SigningKey;

use crate::subject_token::{InvalidKey, VerificationKey};

/// The public half of an RSA key of the tenant.
#[derive(Debug, Clone)]
pub struct TenantKey {
    /// The `kid` in the JWKS and in the headers of tokens.
    pub kid: String,
    /// The certificate, PEM, where the tenant has one.
    pub certificate_pem: Option<String>,
    /// As it is published in the JWKS.
    pub public: RsaPublicJwk,
    pub(crate) verification: VerificationKey,
}

/// The members of an RSA key in a JWKS (RFC 7518 section 6.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RsaPublicJwk {
    /// The modulus, base64url.
    pub n: String,
    /// The exponent, base64url.
    pub e: String,
}

impl TenantKey {
    /// Takes the public half of a private key in PKCS#8 or PKCS#1.
    ///
    /// # Errors
    /// If it is not an RSA private key in PEM, or cannot sign.
    pub fn from_signing_key(key: &SigningKey) -> Result<Self, InvalidKey> {
        let not_rsa = InvalidKey("it is not an RSA private key of at least 2048 bits in PEM");
        let encoding = EncodingKey::from_rsa_pem(with_line_ends(key.private_key_pem.expose()).as_bytes())
            .map_err(|_| not_rsa.clone())?;
        let jwk =
            Jwk::from_encoding_key(&encoding, jsonwebtoken::Algorithm::RS256).map_err(|_| not_rsa.clone())?;
        let AlgorithmParameters::RSA(public) = jwk.algorithm else {
            return Err(not_rsa);
        };
        let verification = VerificationKey::rs256(&key.kid, &public.n, &public.e)?;
        // A key that is too short to verify with is noticed only when it is used.
        let probe = jsonwebtoken::crypto::sign(b"probe", &encoding, jsonwebtoken::Algorithm::RS256);
        if !probe.is_ok_and(|signature| verification.verifies(b"probe", &signature)) {
            return Err(not_rsa);
        }
        Ok(Self {
            kid: key.kid.clone(),
            certificate_pem: key.certificate_pem.as_deref().map(|pem| with_line_ends(pem).into_owned()),
            public: RsaPublicJwk { n: public.n, e: public.e },
            verification,
        })
    }
}

/// Exports and environment variables often hold `\n` as two characters where a line of a PEM text ends.
fn with_line_ends(pem: &str) -> Cow<'_, str> {
    if pem.contains("\\n") { pem.replace("\\r", "").replace("\\n", "\n").into() } else { pem.into() }
}
