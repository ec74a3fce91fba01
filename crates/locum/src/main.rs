//! The binary: flags, config, wiring, exit codes.

mod audit_log;
mod cli;
mod commands;
mod config;
mod exit;
mod format;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;

fn main() -> ExitCode {
    exit::exit_code(commands::run(Cli::parse()))
}
