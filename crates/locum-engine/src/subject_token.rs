//! The subject token: a JWT that identifies the user of a request.
//!
//! ```text
//! compact JWT ── token: signature, by a key of its issuer ──► claims ── claims: iss, aud, exp, iat, nbf, sub ──► Subject
//! ```

mod claims;
mod key;
mod key_set;
mod token;
#[cfg(test)]
mod wycheproof;

pub(crate) use claims::{
    ClaimError, Expectation, ForeignRules, Subject, check, is_of_the_token, optional_seconds, seconds, text,
};
pub use key::InvalidKey;
pub(crate) use key::VerificationKey;
pub use key_set::{IgnoredKey, InvalidKeySet, KeySet};
pub(crate) use token::{Token, TokenError};
