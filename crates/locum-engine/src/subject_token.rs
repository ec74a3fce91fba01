//! The subject token: a JWT that identifies the user of a request.
//!
//! ```text
//! compact JWT ── token: signature, by a configured key ──► claims ── claims: iss, aud, exp, iat, nbf, sub ──► Subject
//! ```

mod claims;
mod key;
mod token;

pub(crate) use claims::{Expectation, Subject, check};
pub use key::InvalidKey;
pub(crate) use key::VerificationKey;
pub(crate) use token::verify;
