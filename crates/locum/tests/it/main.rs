//! The program as scripts use it: its output, its error messages and its exit codes.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed unwrap is the failure message of a test"
)]

mod audit;
mod conformance;
mod control;
mod database_directory;
mod files;
mod full_disk;
mod help;
mod import;
mod installation;
mod isolation;
mod management;
mod metrics;
mod new_plugins;
mod plugin_dev;
mod plugins;
mod postgres;
mod reach;
mod redis;
mod refresh_tokens;
mod secrets_in_memory;
mod serving;
mod shared_servers;
mod shell_files;
mod signing;
mod start;
mod tenants;
mod tokens;
mod trusted_issuers;
mod upgrade;
