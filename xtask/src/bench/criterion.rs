//! The benchmarks of single parts: delegations beside the same cryptography without Locum, calls of a plugin at both levels
//! of isolation, what other calls notice of its deaths, and what the stores of refresh tokens cost.

use anyhow::Result;

use crate::build::{self, build};
use crate::shell::{cargo, run as run_command};

/// Package and name of each benchmark.
const BENCHES: [(&str, &str); 4] = [
    ("locum", "delegate"),
    ("locum-host", "isolation"),
    ("locum-host", "deaths"),
    ("locum-database", "rotation"),
];

/// The test plugin that dies in every way.
const HOSTILE: &str = "locum-test-hostile";

pub fn run(quick: bool) -> Result<()> {
    let built = build(build::Args { release: true })?;
    run_command(cargo().args(["build", "--release", "--package", HOSTILE]))?;
    let hostile = built.locum.with_file_name("liblocum_test_hostile.so");
    for (package, name) in BENCHES {
        let mut bench = cargo();
        bench.args(["bench", "--package", package, "--bench", name]);
        bench.env("LOCUM_BENCH_PLUGINS", &built.plugins_dir).env("LOCUM_BENCH_HOSTILE", &hostile);
        if quick {
            bench.args(["--", "--warm-up-time", "0.5", "--measurement-time", "1", "--sample-size", "20"]);
        }
        run_command(&mut bench)?;
    }
    Ok(())
}
