//! From an answer of the engine to an HTTP response.

mod challenge;
pub(crate) mod cors;
mod json;

pub(crate) use challenge::{challenge, challenge_bearer};
pub use json::PUBLISHED_MAX_AGE_SECONDS;
pub(crate) use json::{
    add_rate_headers, delegation, introspection, method_not_allowed, method_not_served, payload, profile,
    public, public_saml_metadata, refusal, revocation, token, unstored,
};
