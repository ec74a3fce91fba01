//! The subject token: a JWT that says for which user a request is made.
//!
//! ```text
//! compact JWT ── token: signature, by a key that we hold ──► claims ── claims: iss, aud, exp, iat, nbf, sub ──► Subject
//! ```

mod claims;
mod key;
mod token;

pub(crate) use claims::{Expectation, Subject, check};
pub use key::InvalidKey;
pub(crate) use key::VerificationKey;
pub(crate) use token::verify;
