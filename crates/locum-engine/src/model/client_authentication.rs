//! How a client authenticates at the endpoints under `/oauth/`.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use locum_abi::secret::Secret;

/// How a client authenticates (RFC 6749 section 2.3). `/delegation` authenticates nobody, as Auth0's did not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// It is a public client (RFC 6749 section 2.1) and does not.
    None,
    /// By its secret, in the header `Authorization` or in the body.
    Secret(SecretDigest),
    /// By assertions that it signs (RFC 7523 section 2.2): its public keys, a JWK Set (RFC 7517 section 5) as JSON. One that has
    /// no key that can be used authenticates nobody.
    PrivateKey(String),
}

/// SHA-256 of a client secret, to compare what clients present with.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SecretDigest(Box<[u8; 32]>);

impl SecretDigest {
    /// The digest of this secret, as clients send it: of its text, even if the text encodes the bytes of a key.
    pub fn of(secret: &Secret) -> Self {
        let digest = digest(&SHA256, secret.expose().as_bytes());
        Self(Box::new(<[u8; 32]>::try_from(digest.as_ref()).unwrap_or_default()))
    }

    /// Whether this is the secret.
    pub fn matches(&self, presented: &Secret) -> bool {
        verify_slices_are_equal(&*self.0, &*Self::of(presented).0).is_ok()
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_secret_itself_matches() {
        let digest = SecretDigest::of(&"s3cret".into());
        assert!(digest.matches(&"s3cret".into()));
        for other in ["", "s3cre", "s3cret ", "S3cret"] {
            assert!(!digest.matches(&other.into()), "{other}");
        }
        assert_eq!(format!("{digest:?}"), "SecretDigest(…)");
    }
}
