//! Introspection (RFC 7662): what a token says, for the client that it is of or for.

mod app_token;
mod introspect;
mod refresh_token;
mod request;
mod user;

pub use introspect::Introspection;
pub(crate) use introspect::introspect;
pub use request::IntrospectionRequest;
