//! Valid and invalid tenant files.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is the failure message of a test")]

mod tenant_file;
