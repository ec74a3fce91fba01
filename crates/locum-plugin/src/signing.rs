//! Signing with keys that were parsed once.

mod jws;
mod key;

pub use jws::JwsSigner;
pub use key::{Algorithm, HmacKey, KeyError, SignatureKey};
