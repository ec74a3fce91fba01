//! The router, called without a socket: each test sends requests and compares whole responses.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failure here is a failure of the test"
)]

mod bounds;
mod canaries;
mod cors;
mod directory;
mod documents;
mod introspection;
mod jsonp;
mod management_tokens;
mod old_clients;
mod profile;
mod refusals;
mod responses;
mod revocation;
mod saml_metadata;
mod tenants;
mod test_server;
mod token;
