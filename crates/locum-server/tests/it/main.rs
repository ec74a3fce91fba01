//! The router, asked without a socket: what goes in, what comes out, to the letter.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failure here is the test's own"
)]

mod answers;
mod bounds;
mod canaries;
mod cors;
mod documents;
mod jsonp;
mod old_clients;
mod refusals;
mod revocation;
mod saml_metadata;
mod tenants;
mod world;
