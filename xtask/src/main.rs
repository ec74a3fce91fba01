//! Runs cargo and what stands around it: demo, cluster, build, test, conformance, bench, snapshot, public-api, new-plugin, walk, tidy, mutants, bugs, ci.

mod bench;
mod bugs;
mod build;
mod ci;
mod cluster;
mod conformance;
mod demo;
mod fake_upstreams;
mod features;
mod http;
mod mutants;
mod new_plugin;
mod public_api;
mod server;
mod shell;
mod snapshot;
mod source;
mod test;
mod tidy;
mod verifiers;
mod walk;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds, tests and shows Locum.
#[derive(Parser)]
#[command(name = "cargo xtask", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts a server with a demo tenant and exchanges an id_token for several credentials.
    Demo(demo::Args),
    /// Starts PostgreSQL, Redis, three nodes and a proxy as one service; `--faults` loads it while parts of it fail.
    Cluster(cluster::Args),
    /// Builds the server and every plugin, into target/plugins with its pins.
    Build(build::Args),
    /// Runs the tests: Rust's, several nodes under faults, and the external verifiers of what Locum issues.
    Test(test::Args),
    /// Runs the conformance suite against the plugins of this workspace.
    Conformance(conformance::Args),
    /// Measures Locum over HTTP beside services that do less: CPU time, instructions, latency, memory.
    Bench(bench::Args),
    /// Compares every snapshot and generated file with the code; `--bless` rewrites them.
    Snapshot(snapshot::Args),
    /// Compares the public items of the crates that others build on with their listings; `--bless` rewrites those.
    PublicApi(public_api::Args),
    /// Starts a plugin in this workspace.
    NewPlugin(new_plugin::Args),
    /// Walks the ways to a new plugin: by the author guide outside the workspace, and by `new-plugin` inside it.
    Walk,
    /// Checks what the documents say about the tree, and the tree's habits.
    Tidy,
    /// What CI checks besides the tests: format, lints, features, tidy, public items, spelling, dependencies, docs,
    /// conformance, and the ways to a new plugin.
    Ci(ci::Args),
    /// Changes the code in one place at a time and runs the tests: a change that no test notices is a fault.
    Mutants(mutants::Args),
    /// Applies bugs that authors make to the plugins, and sees which of them the conformance suite notices.
    Bugs(bugs::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    std::env::set_current_dir(shell::workspace_root())?;
    match command {
        Command::Demo(args) => demo::run(&args),
        Command::Cluster(args) => cluster::run(&args),
        Command::Build(args) => build::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Conformance(args) => conformance::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Snapshot(args) => snapshot::run(&args),
        Command::PublicApi(args) => public_api::run(&args),
        Command::NewPlugin(args) => new_plugin::run(&args),
        Command::Walk => walk::run(),
        Command::Tidy => tidy::run(),
        Command::Ci(args) => ci::run(&args),
        Command::Mutants(args) => mutants::run(&args),
        Command::Bugs(args) => bugs::run(&args),
    }
}
