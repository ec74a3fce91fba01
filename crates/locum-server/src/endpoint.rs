//! The endpoints, one file each.

mod arrival;
pub(crate) mod delegation;
mod delegation_methods;
pub(crate) mod discovery;
pub(crate) mod health;
pub(crate) mod introspection;
pub(crate) mod jsonp;
pub(crate) mod jwks;
pub(crate) mod profile;
pub(crate) mod revocation;
pub(crate) mod saml_metadata;
pub(crate) mod token;
