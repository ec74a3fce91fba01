//! The `locum` program: command line, config, wiring, exit codes.

mod audit_log;
mod cli;
mod commands;
mod config;
mod exit;
mod format;
mod log_writer;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;

fn main() -> ExitCode {
    exit::report(commands::run(Cli::parse()))
}
