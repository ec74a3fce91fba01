//! What CI checks besides the tests: format, lints, features, tidy, public items, spelling, dependencies, docs,
//! conformance, a sample of bugs, and the ways to a new plugin.

use std::process::Command;

use anyhow::Result;
use clap::Args as ClapArgs;

use crate::shell::{cargo, has, run as run_command};
use crate::{bugs, conformance, features, mutants, public_api, tidy, walk};

#[derive(ClapArgs)]
pub struct Args {
    /// Also changes a sample of the engine's code and sees that a test notices each change.
    #[arg(long)]
    deep: bool,
}

pub fn run(args: &Args) -> Result<()> {
    run_command(cargo().args(["fmt", "--all", "--check"]))?;
    run_command(cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "--deny",
        "warnings",
    ]))?;
    features::run()?;
    tidy::run()?;
    public_api::run(&public_api::Args { bless: false })?;
    typos()?;
    deny()?;
    let mut doc = cargo();
    doc.args(["doc", "--workspace", "--no-deps", "--document-private-items", "--quiet"]);
    run_command(doc.env("RUSTDOCFLAGS", "--deny warnings"))?;
    conformance::run(&conformance::Args::all())?;
    bugs::run(&bugs::Args::sample())?;
    walk::run()?;
    if args.deep {
        for package in ["locum-engine", "locum-host"] {
            mutants::run(&mutants::Args::sample_of(package))?;
        }
    }
    Ok(())
}

/// Misspellings, but for those that `typos.toml` lets in.
fn typos() -> Result<()> {
    install("typos", "typos-cli")?;
    run_command(&mut Command::new("typos"))
}

/// Licences, advisories, banned and doubled crates, sources. Advisories need their database, which not every network
/// gives: then that one check is named as not run.
fn deny() -> Result<()> {
    install("cargo-deny", "cargo-deny")?;
    run_command(cargo().args(["deny", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"]))?;
    if let Err(error) = run_command(cargo().args(["deny", "check", "advisories"])) {
        println!("NOT RUN: cargo deny check advisories ({error})");
    }
    Ok(())
}

/// Installs a program that is not there, from the crate that brings it.
fn install(program: &str, from: &str) -> Result<()> {
    if has(program) {
        return Ok(());
    }
    run_command(cargo().args(["install", from, "--locked", "--quiet"]))
}
