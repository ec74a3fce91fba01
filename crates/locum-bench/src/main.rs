//! Measures Locum over HTTP beside services that do less, and several nodes as one service while parts of it fail.

mod cluster;
mod commands;
mod disturbances;
mod docs;
mod exchange;
mod gate;
mod histogram;
mod id_token;
mod instructions;
mod load;
mod measure;
mod process;
mod processors;
mod requests;
mod services;
mod site;
mod soak;
mod statistics;
mod svg;
mod table;
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
