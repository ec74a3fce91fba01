//! Signing with keys that were parsed once.
//!
//! Keys are made in [`Issuer::configure`](crate::Issuer::configure), where a bad one is a setting refused, and only
//! used in [`Issuer::issue`](crate::Issuer::issue). An algorithm is a property of the key that is held; nothing in a
//! request can choose another.
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
//! let token = configure(&Secret::from("a secret"))?.sign(&json!({ "sub": "auth0|alice" }))?;
//! assert!(configure(&Secret::from("")).is_err());
//! # assert_eq!(token.split('.').count(), 3);
//! # Ok(())
//! # }
//! ```
//!
//! RS256, RS384, RS512, HS256 and EdDSA give the same bytes for the same input. PS256 and ES256 draw randomness of
//! their own, so their tokens are verified in tests, never compared.

mod digest;
mod jws;
mod key;

pub use digest::sha256;
pub use jws::JwsSigner;
pub use key::{Algorithm, HmacKey, KeyError, SignatureKey};
