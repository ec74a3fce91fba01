//! What operators configure, as plain data: tenants, clients with their add-ons, users.

mod attribute_pattern;
mod client;
mod policy;
mod tenant;
mod user;

pub use attribute_pattern::{AttributePattern, InvalidAttributePattern};
pub use client::{AddOn, Client, ClientKey, ClientSecret, InvalidClientSecret, LegacyGrants};
pub use policy::{Chains, DelegationPolicy, WhenUnavailable};
pub use tenant::Tenant;
pub use user::User;
