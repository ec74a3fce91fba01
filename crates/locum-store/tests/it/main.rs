//! Tenant files, sets of tenants, the directory in memory, and the audit log.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is a failure of the test"
)]

mod audit;
mod buckets;
mod client_authentication;
mod directory;
mod documents;
mod file_tenants;
mod issuers;
mod management;
mod refresh_tokens;
mod signing_keys;
mod tenant_file;
mod tenant_set;
mod used_assertions;
