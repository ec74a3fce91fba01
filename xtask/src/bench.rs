//! Builds Locum as for a release and measures it with `locum-bench`, or runs the benchmarks of single parts.

mod criterion;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};
use clap::Args as ClapArgs;

use crate::build::{Built, Profile, build_as, build_package};
use crate::shell::{has, run as run_command, target_dir, workspace_root};
use crate::verifiers::node_modules;

/// The package that measures.
const BENCH: &str = "locum-bench";
/// Services of Node to compare with, from the workspace's root.
const PEERS: &str = "crates/locum-bench/peers";

#[derive(ClapArgs)]
pub struct Args {
    /// Takes fewer and shorter samples: enough to see that the measurements run, too few for figures.
    #[arg(long)]
    quick: bool,
    /// Measures only this part: instructions, cpu, connections, latency, memory or growth; may be given several times.
    #[arg(long, value_name = "PART")]
    only: Vec<String>,
    /// Measures only this exchange: hs256-hs256, rs256-hs256, hs256-rs256 or hs256-sas; may be given several times.
    #[arg(long, value_name = "NAME")]
    exchange: Vec<String>,
    /// The same as `--only instructions`.
    #[arg(long, conflicts_with = "only")]
    instructions: bool,
    /// Also prints the functions that cost most instructions.
    #[arg(long)]
    profile: bool,
    /// Fails if a figure is beyond its limit, which crates/locum-bench/limits.toml states.
    #[arg(long)]
    gate: bool,
    /// text or json.
    #[arg(long, default_value = "text")]
    format: String,
    /// Writes tables and charts of what was measured into docs/performance.md.
    #[arg(long)]
    write_docs: bool,
    /// Loads the server for so many minutes at 0.8 of its capacity and fails if memory or latency grows, or if a request
    /// is refused. Nothing else is measured.
    #[arg(long, value_name = "MINUTES")]
    soak: Option<f64>,
    /// Runs the benchmarks of single parts by criterion, and nothing else.
    #[arg(long)]
    criterion: bool,
}

pub fn run(args: &Args) -> Result<()> {
    if args.criterion {
        return criterion::run(args.quick);
    }
    let mut bench = bench(args)?;
    let flags = [(args.quick, "--quick"), (args.gate, "--gate"), (args.profile, "--profile")];
    bench.args(flags.into_iter().filter(|(given, _)| *given).map(|(_, flag)| flag));
    bench.args(["--format", &args.format]);
    if args.instructions {
        bench.args(["--only", INSTRUCTIONS]);
    }
    for (flag, values) in [("--only", &args.only), ("--exchange", &args.exchange)] {
        bench.args(values.iter().flat_map(|value| [flag, value.as_str()]));
    }
    if args.write_docs {
        bench.args(["--write-docs", "docs"]);
    }
    if let Some(minutes) = args.soak {
        bench.arg("--soak").arg(minutes.to_string());
    }
    run_command(&mut bench)
}

const INSTRUCTIONS: &str = "instructions";

/// Builds what is measured, and says where it is.
fn bench(args: &Args) -> Result<Command> {
    let measured = |part: &str| args.only.is_empty() || args.only.iter().any(|only| only == part);
    let counts = args.soak.is_none() && (args.instructions || measured(INSTRUCTIONS));
    // Where they are not asked for, they are named as not run.
    let needs_symbols = counts && has("valgrind");
    ensure!(
        needs_symbols || !counts || !(args.gate || args.instructions),
        "instructions are counted by callgrind; install valgrind, or measure other parts with --only"
    );
    let needs_peers = args.soak.is_none() && !args.instructions && measured("cpu");
    let needs_times = args.soak.is_some() || !(args.instructions || args.only == [INSTRUCTIONS]);
    let symbols = needs_symbols.then(|| build(Profile::ReleaseWithSymbols)).transpose()?;
    // Where only instructions are counted, the build with symbols is the only one.
    let built = match &symbols {
        Some(built) if !needs_times => built.clone(),
        _ => build(Profile::Release)?,
    };
    let mut bench = Command::new(built.locum.with_file_name(BENCH));
    bench.arg("measure").arg("--locum").arg(&built.locum).arg("--plugins").arg(&built.plugins_dir);
    bench.arg("--folder").arg(target_dir()?.join("bench"));
    if let Some(target) = symbols.as_ref().and_then(|built| built.plugins_dir.parent()) {
        bench.arg("--symbols").arg(target);
    }
    if let Some(peers) = needs_peers.then(peers).transpose()?.flatten() {
        bench.arg("--peers").arg(peers);
    }
    Ok(bench)
}

/// Locum, its plugins, and what measures them.
fn build(profile: Profile) -> Result<Built> {
    build_package(profile, BENCH)?;
    build_as(profile)
}

/// The services of Node, installed, where node and npm are there.
fn peers() -> Result<Option<PathBuf>> {
    if !has("node") || !has("npm") {
        return Ok(None);
    }
    let folder = target_dir()?.join("bench-peers");
    node_modules(&workspace_root().join(PEERS), &folder)?;
    for script in ["tenant.mjs", "verify.mjs", "express.mjs", "fastify.mjs", "oidc-provider.mjs"] {
        std::fs::copy(workspace_root().join(PEERS).join(script), folder.join(script))?;
    }
    Ok(Some(folder))
}
