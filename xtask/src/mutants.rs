//! Changes the code in one place at a time and runs the tests: a change that no test notices is a fault (cargo-mutants).

use anyhow::Result;
use clap::Args as ClapArgs;

use crate::shell::{capture, cargo, commits, run as run_command};

/// The sample of `cargo xtask ci --deep` is one part of so many.
const PARTS: u32 = 8;

#[derive(ClapArgs)]
pub struct Args {
    /// The crate whose code is changed.
    #[arg(default_value = "locum-engine")]
    package: String,
    /// Changes one of eight parts of the code, another one after each commit.
    #[arg(long)]
    sample: bool,
}

impl Args {
    /// A sample of a crate.
    pub fn sample_of(package: &str) -> Self {
        Self { package: package.to_owned(), sample: true }
    }
}

/// `.cargo/mutants.toml` lists the changes that no test can notice, with why.
pub fn run(args: &Args) -> Result<()> {
    // The program itself has no `--version`.
    if capture(cargo().args(["mutants", "--version"])).is_err() {
        run_command(cargo().args(["install", "cargo-mutants", "--locked", "--quiet"]))?;
    }
    let mut mutants = cargo();
    mutants.args([
        "mutants",
        "--package",
        &args.package,
        "--output",
        "target",
        "--jobs",
        "2",
        "--timeout",
        "200",
    ]);
    if args.sample {
        let part = commits()? % PARTS;
        println!("part {} of {PARTS}", part + 1);
        mutants.args(["--sharding", "round-robin", "--shard", &format!("{part}/{PARTS}")]);
    }
    // Without the tests of `order`, which compile other programs and say nothing about the code of a function.
    mutants.args(["--cargo-test-arg=--lib", "--cargo-test-arg=--test", "--cargo-test-arg=it"]);
    run_command(mutants.args(["--", "--", "--skip", "order::"]))
}
