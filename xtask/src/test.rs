//! Runs the tests: Rust's, several nodes under faults, and the external verifiers of what Locum issues.

use anyhow::Result;
use clap::Args as ClapArgs;

use crate::shell::{cargo, run as run_command};
use crate::{build, cluster, verifiers};

#[derive(ClapArgs)]
pub struct Args {
    /// Leave out the external verifiers; the last line says so.
    #[arg(long)]
    without_verifiers: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let built = build::build(build::Args { release: false })?;
    // Apart: cargo_metadata turns on a feature of serde_json, with which all of the above would be built again.
    run_command(cargo().args(["test", "--workspace", "--exclude", "xtask"]).env("INSTA_UPDATE", "no"))?;
    run_command(cargo().args(["test", "--package", "xtask"]))?;
    cluster::sample(&built)?;
    if args.without_verifiers {
        println!("NOT RUN: the external verifiers (--without-verifiers)");
        return Ok(());
    }
    verifiers::run(&built)
}
