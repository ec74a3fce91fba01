//! Tenant files, sets of tenants, and the directory in memory.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failure here is a failure of the test")]

mod directory;
mod tenant_file;
mod tenant_set;
