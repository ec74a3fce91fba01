//! From a PEM text to a tenant key: both halves, checked to be one pair that signs.

use jsonwebtoken::EncodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use locum_abi::configuration::SigningKey;
use locum_abi::secret::Secret;

use crate::tenant::{RsaPublicJwk, TenantKey};
use crate::token::{KeyUnusable, VerificationKey};

impl TenantKey {
    /// The RSA key in this PEM text (PKCS#8 or PKCS#1), with the certificate of its public half if there is one.
    ///
    /// # Errors
    /// If it is not an RSA private key, or one that cannot sign.
    pub fn from_pem(
        kid: &str,
        private_key: Secret,
        certificate: Option<String>,
    ) -> Result<Self, KeyUnusable> {
        let not_rsa = KeyUnusable("it is not an RSA private key of at least 2048 bits in PEM");
        let encoding =
            EncodingKey::from_rsa_pem(private_key.expose().as_bytes()).map_err(|_| not_rsa.clone())?;
        let jwk =
            Jwk::from_encoding_key(&encoding, jsonwebtoken::Algorithm::RS256).map_err(|_| not_rsa.clone())?;
        let AlgorithmParameters::RSA(public) = jwk.algorithm else {
            return Err(not_rsa);
        };
        let verification = VerificationKey::rs256(kid, &public.n, &public.e)?;
        // A key too short to verify with shows only when it is used.
        let probe = jsonwebtoken::crypto::sign(b"probe", &encoding, jsonwebtoken::Algorithm::RS256);
        if !probe.is_ok_and(|signature| verification.verifies(b"probe", &signature)) {
            return Err(not_rsa);
        }
        Ok(Self {
            signing: SigningKey {
                kid: kid.to_owned(),
                private_key_pem: private_key,
                certificate_pem: certificate,
            },
            verification,
            public: RsaPublicJwk { n: public.n, e: public.e },
        })
    }
}
