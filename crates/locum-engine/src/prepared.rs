//! What is derived from a tenant and its clients: parsed keys, configured issuers, credentials kept for reuse.
//!
//! It is prepared when the data is loaded, and dropped with the data. No request parses a key or configures an issuer.

mod add_on;
mod client;
mod management;
mod other_issuers;
mod reuse;
mod tenant;
mod tenant_key;

pub use add_on::{AddOnProblem, PreparedAddOn};
pub use client::PreparedClient;
pub(crate) use management::Management;
pub use other_issuers::{InvalidIssuer, IssuerPlace, IssuerProblem, RemoteIssuer};
pub(crate) use other_issuers::{OtherIssuer, OtherKeys};
pub(crate) use reuse::Reuse;
pub use tenant::{InvalidSigningKey, InvalidTenant, PreparedTenant};
pub use tenant_key::{RsaPublicJwk, TenantKey};
