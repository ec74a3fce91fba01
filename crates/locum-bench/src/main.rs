//! Measures Locum over HTTP beside services that do less: load, CPU time, instructions, memory.

mod commands;
mod exchange;
mod histogram;
mod id_token;
mod instructions;
mod load;
mod process;
mod requests;
mod services;
mod tenant;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match commands::run(commands::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If this cannot be written, nothing can be said.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
