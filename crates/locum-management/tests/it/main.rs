//! The Management API over the directory in a database, on each server.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failure here is a failure of the test"
)]

mod audit;
mod bodies;
mod client_grants;
mod clients;
mod description;
mod device_credentials;
mod files;
mod metrics;
mod other_tenants;
mod own;
mod paging;
mod races;
mod refused_settings;
mod scopes;
mod secrets;
mod signing_keys;
mod tenant_settings;
mod test_service;
mod tokens;
mod users;
