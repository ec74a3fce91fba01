//! The algorithms of issuers that sign with a private key.

use std::fmt;
use std::str::FromStr;

/// A JWS algorithm whose verifiers hold a public key (RFC 7518 section 3.1, RFC 8037 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PublicKeyAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// EdDSA on Curve25519.
    EdDSA,
}

impl PublicKeyAlgorithm {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::RS256, Self::RS384, Self::RS512, Self::PS256, Self::ES256, Self::ES384, Self::EdDSA];

    /// Those of a trusted issuer that names none.
    pub const DEFAULT: [Self; 4] = [Self::RS256, Self::PS256, Self::ES256, Self::EdDSA];

    /// The value of `alg`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
        }
    }
}

impl fmt::Display for PublicKeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name is not that of a supported algorithm with a public key. HS256 and `none` are not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write one of RS256, RS384, RS512, PS256, ES256, ES384, EdDSA")]
pub struct UnknownAlgorithm;

impl FromStr for PublicKeyAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name).ok_or(UnknownAlgorithm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_to_the_letter() {
        for algorithm in PublicKeyAlgorithm::ALL {
            assert_eq!(algorithm.name().parse(), Ok(algorithm));
            assert!(UnknownAlgorithm.to_string().contains(algorithm.name()));
        }
        for other in ["HS256", "none", "rs256", "ES512", "RS256 ", ""] {
            assert_eq!(other.parse::<PublicKeyAlgorithm>(), Err(UnknownAlgorithm), "{other}");
        }
    }
}
