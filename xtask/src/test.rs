//! Passes the tests: Rust's, and the outside judges of what is issued.

use anyhow::Result;
use clap::Args as ClapArgs;

use crate::shell::{cargo, run as run_command};
use crate::{build, verifiers};

#[derive(ClapArgs)]
pub struct Args {
    /// Leaves the outside judges out; the end of the run says so.
    #[arg(long)]
    without_judges: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let built = build::build(build::Args { release: false })?;
    run_command(cargo().args(["test", "--workspace"]).env("INSTA_UPDATE", "no"))?;
    if args.without_judges {
        println!("NOT RUN: the outside judges (--without-judges)");
        return Ok(());
    }
    verifiers::judge(&built)
}
