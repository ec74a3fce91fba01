//! Passes the tests: Rust's, and the outside judges of what is issued.

use anyhow::Result;
use clap::Args as ClapArgs;

use crate::shell::{cargo, run as run_command};
use crate::{build, judges};

#[derive(ClapArgs)]
pub struct Args {
    /// Leaves the outside judges out; the end of the run says so.
    #[arg(long)]
    without_judges: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let built = build::build(build::Args { release: false })?;
    // Apart: cargo_metadata turns on a feature of serde_json, with which all of the above would be built again.
    run_command(cargo().args(["test", "--workspace", "--exclude", "xtask"]).env("INSTA_UPDATE", "no"))?;
    run_command(cargo().args(["test", "--package", "xtask"]))?;
    if args.without_judges {
        println!("NOT RUN: the outside judges (--without-judges)");
        return Ok(());
    }
    judges::judge(&built)
}
