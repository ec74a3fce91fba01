//! Runs the tests: Rust's, and the external verifiers of what Locum issues.

use anyhow::Result;
use clap::Args as ClapArgs;

use crate::shell::{cargo, run as run_command};
use crate::{build, verifiers};

#[derive(ClapArgs)]
pub struct Args {
    /// Leave out the external verifiers; the last line says so.
    #[arg(long)]
    without_verifiers: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let built = build::build(build::Args { release: false })?;
    run_command(cargo().args(["test", "--workspace"]).env("INSTA_UPDATE", "no"))?;
    if args.without_verifiers {
        println!("NOT RUN: the external verifiers (--without-verifiers)");
        return Ok(());
    }
    verifiers::run(&built)
}
