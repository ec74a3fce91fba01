//! Signing with keys that were checked once: secrets here, private keys at the host, which holds them.
//!
//! Check keys in [`Issuer::configure`](crate::Issuer::configure), where a key that cannot be used is a setting refused, and
//! use them in [`Issuer::issue`](crate::Issuer::issue). The algorithm is a property of the key: nothing in a request can
//! choose another.
//!
//! ```
//! use locum_plugin::prelude::*;
//! use locum_plugin::signing::{JwsSigner, SignatureKey};
//!
//! fn configure(secret: &Secret) -> Result<JwsSigner, Failure> {
//!     let key = SignatureKey::hs256(secret.expose().as_bytes())
//!         .map_err(|error| Failure::setting("secret", error.to_string()))?;
//!     Ok(JwsSigner::new(key, Map::new()))
//! }
//!
//! # fn main() -> Result<(), Failure> {
//! # let grant = locum_plugin::testing::typed_grant();
//! let token = configure(&Secret::from("a secret"))?.sign(&grant, &json!({ "sub": "auth0|alice" }))?;
//! assert!(configure(&Secret::from("")).is_err());
//! # assert_eq!(token.split('.').count(), 3);
//! # Ok(())
//! # }
//! ```
//!
//! RS256, RS384, RS512, HS256 and EdDSA give the same bytes for the same input. PS256 and ES256 signatures are random, so
//! tests must verify their tokens and cannot compare them.

mod digest;
mod jws;
mod key;

pub use digest::sha256;
pub use jws::JwsSigner;
pub use key::{HmacKey, KeyError, SignatureKey};

pub use crate::algorithm::Algorithm;
