//! Snapshots and generated files: compared with the code, or rewritten from it.

use anyhow::Result;
use clap::Args as ClapArgs;

use crate::public_api;
use crate::shell::{cargo, run as run_command};

#[derive(ClapArgs)]
pub struct Args {
    /// Rewrites what differs; review the difference before you commit it.
    #[arg(long)]
    bless: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let mut test = cargo();
    // xtask has no snapshots but the listings below, and its dependencies would have the others built again.
    test.args(["test", "--workspace", "--exclude", "xtask", "--quiet"]);
    if args.bless {
        // In order: our own generated files, insta's snapshots, trybuild's expected messages.
        test.env("LOCUM_BLESS", "1").env("INSTA_UPDATE", "always").env("TRYBUILD", "overwrite");
    } else {
        test.env("INSTA_UPDATE", "no");
    }
    run_command(&mut test)?;
    public_api::run(&public_api::Args { bless: args.bless })
}
