//! What operators configure, as plain data: tenants, clients with their add-ons, users.

mod client;
mod policy;
mod tenant;
mod user;

pub use client::{AddOn, Client, ClientKey, ClientSecret, InvalidClientSecret, LegacyGrants};
pub use policy::{DelegationPolicy, WhenUnavailable};
pub use tenant::Tenant;
pub use user::User;
