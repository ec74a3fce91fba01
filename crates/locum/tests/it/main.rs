//! The program as a script meets it: what it prints, what it refuses, and with which exit code.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed unwrap is the failure message of a test"
)]

mod help;
mod house;
mod new_plugins;
mod plugins;
mod serving;
mod tenants;
mod tokens;
