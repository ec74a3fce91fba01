//! Signing with keys that were parsed once.

mod digest;
mod jws;
mod key;

pub use digest::sha256;
pub use jws::JwsSigner;
pub use key::{Algorithm, HmacKey, KeyError, SignatureKey};
