//! The command line. `cargo xtask bench` builds what is measured and calls this.

mod cluster;
mod measure;

use clap::{Parser, Subcommand};

use crate::services::{floor, ideal, serve};

/// Measures Locum over HTTP beside services that do less.
#[derive(Parser)]
#[command(name = "locum-bench", arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures Locum and what it is compared with.
    Measure(Box<measure::Args>),
    /// Runs several nodes as one service.
    Cluster(cluster::Args),
    /// Serves a constant answer.
    Floor,
    /// Serves the exchanges as an engineer would write them by hand.
    Ideal,
}

pub(crate) fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Measure(args) => measure::run(&args),
        Command::Cluster(args) => cluster::run(&args),
        Command::Floor => serve(floor::router()),
        Command::Ideal => serve(ideal::router()?),
    }
}
