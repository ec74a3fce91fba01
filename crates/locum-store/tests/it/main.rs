//! Tenant files as people write them, right and wrong.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is the failure message of a test")]

mod tenant_file;
