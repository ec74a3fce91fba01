//! Builds Locum as for a release and measures it: instructions, and the benchmarks of single parts.

mod criterion;

use std::process::Command;

use anyhow::Result;
use clap::Args as ClapArgs;

use crate::build::{Profile, build_with};
use crate::shell::{run as run_command, target_dir};

/// The package that measures.
const BENCH: &str = "locum-bench";

#[derive(ClapArgs)]
pub struct Args {
    /// Takes fewer and shorter samples: enough to see that the measurements run, too few for figures.
    #[arg(long)]
    quick: bool,
    /// Counts the instructions of a request by callgrind, which needs valgrind, and nothing else.
    #[arg(long)]
    instructions: bool,
    /// With `--instructions`: also prints the functions that cost most.
    #[arg(long, requires = "instructions")]
    profile: bool,
    /// Measures only this exchange: hs256-hs256, rs256-hs256, hs256-rs256 or hs256-sas; may be given several times.
    #[arg(long, value_name = "NAME")]
    exchange: Vec<String>,
}

pub fn run(args: &Args) -> Result<()> {
    if args.instructions { instructions(args) } else { criterion::run(args.quick) }
}

fn instructions(args: &Args) -> Result<()> {
    let built = build_with(Profile::ReleaseWithSymbols, &[BENCH])?;
    let mut bench = Command::new(built.locum.with_file_name(BENCH));
    bench.arg("instructions").arg("--locum").arg(&built.locum).arg("--plugins").arg(&built.plugins_dir);
    bench.arg("--folder").arg(target_dir()?.join("bench/instructions"));
    for exchange in &args.exchange {
        bench.args(["--exchange", exchange]);
    }
    if args.quick {
        bench.args(["--requests", "200"]);
    }
    if args.profile {
        bench.arg("--profile");
    }
    run_command(&mut bench)
}
