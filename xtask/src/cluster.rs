//! Starts PostgreSQL, Redis, three nodes and a proxy as one service, which `locum-bench` does, and loads it while parts fail.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use clap::Args as ClapArgs;

use crate::build::{Built, Profile, build_as, build_package};
use crate::shell::{has, run as run_command, target_dir, workspace_root};

/// The package that starts the nodes.
const BENCH: &str = "locum-bench";

#[derive(ClapArgs)]
pub struct Args {
    /// Make one round of requests and stop: an exchange by each node, and a refresh token that all of them use.
    #[arg(long, conflicts_with = "faults")]
    once: bool,
    /// Load the nodes while one fault after another happens, and fail if what was answered does not stay true.
    #[arg(long)]
    faults: bool,
    /// Measure what requests cost with Redis and PostgreSQL, by what they cost one node alone.
    #[arg(long, conflicts_with_all = ["once", "faults"])]
    ratios: bool,
    /// Where the nodes have the tenant from: a file at each, or PostgreSQL, in which the Management API changes it [default: database]
    #[arg(long, value_parser = ["files", "database"], conflicts_with = "ratios")]
    tenants: Option<String>,
    /// Fewer and shorter faults, as `cargo xtask test` has them, or measurements.
    #[arg(long)]
    sample: bool,
    /// Write the tables into docs/scaling.md.
    #[arg(long)]
    write_docs: bool,
    /// Use a build with optimizations.
    #[arg(long)]
    release: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let missing = missing();
    ensure!(
        missing.is_empty(),
        "several nodes need {0}; install them with `apt-get install --no-install-recommends {0}`",
        missing.join(" ")
    );
    let profile = if args.release || args.ratios { Profile::Release } else { Profile::Debug };
    build_package(profile, BENCH)?;
    let mut cluster = command(&build_as(profile)?);
    let flags = [(args.once, "--once"), (args.faults, "--faults"), (args.sample, "--sample")];
    cluster.args(flags.into_iter().filter(|(given, _)| *given).map(|(_, flag)| flag));
    if let Some(place) = &args.tenants {
        cluster.args(["--tenants", place]);
    }
    if args.ratios {
        cluster.arg("--ratios").arg(target_dir()?.join("ratios"));
    }
    if args.write_docs {
        cluster.args(["--write-docs", "docs"]);
    }
    run_command(&mut cluster)
}

/// The faults that `cargo xtask test` makes, or a line that says why there are none.
pub fn sample(built: &Built) -> Result<()> {
    let missing = missing();
    if !missing.is_empty() {
        println!("NOT RUN: several nodes under faults; install {} to run them", missing.join(", "));
        return Ok(());
    }
    build_package(Profile::Debug, BENCH)?;
    run_command(command(built).args(["--faults", "--sample"]))
}

fn command(built: &Built) -> Command {
    let mut command = Command::new(built.locum.with_file_name(BENCH));
    command.arg("cluster").arg("--locum").arg(&built.locum).arg("--plugins").arg(&built.plugins_dir);
    command.arg("--fixtures").arg(workspace_root().join("fixtures"));
    command
}

/// Debian's packages that are needed and not there.
fn missing() -> Vec<&'static str> {
    let postgres = std::fs::read_dir("/usr/lib/postgresql").is_ok_and(|mut versions| {
        versions.any(|version| version.is_ok_and(|version| version.path().join("bin/initdb").exists()))
    });
    // It has no `--version`.
    let haproxy = ["/usr/sbin/haproxy", "/usr/bin/haproxy"].iter().any(|path| Path::new(path).exists());
    let there = [("postgresql", postgres), ("redis-server", has("redis-server")), ("haproxy", haproxy)];
    there.into_iter().filter(|(_, there)| !there).map(|(package, _)| package).collect()
}
