//! The `locum` program: command line, config, wiring, exit codes.

mod asked_add_ons;
mod audit_log;
mod cli;
mod commands;
mod config;
mod control;
mod exit;
mod format;
mod hardening;
mod last_reload;
mod lifetimes;
mod log_filter;
mod log_writer;
mod management;
mod master_keys;
mod metrics;
mod monitoring;
mod permissions;
mod reach;
mod readiness;
mod redis;
mod reload;
mod served_tenants;
mod server_url;
mod shared_buckets;
mod signals;
mod state;
mod tenants;
mod wiring;

use std::process::ExitCode;

use clap::Parser;
// Replaces `malloc` for the whole process, plugins included: a `#[global_allocator]` would be of this program alone.
use mimalloc as _;

use crate::cli::Cli;

fn main() -> ExitCode {
    // First: a plugin's own process is this program, started once more, and does nothing else.
    locum_host::runner::run_if_asked();
    hardening::forbid_core_dumps();
    exit::report(commands::run(Cli::parse()))
}
