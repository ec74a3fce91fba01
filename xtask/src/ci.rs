//! What CI checks besides the tests: fmt, clippy, tidy, deny, docs, conformance, the authors' guide.

use anyhow::Result;

use crate::shell::{cargo, has, run as run_command};
use crate::{conformance, features, public_api, tidy, walk};

pub fn run() -> Result<()> {
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
    deny()?;
    let mut doc = cargo();
    doc.args(["doc", "--workspace", "--no-deps", "--document-private-items", "--quiet"]);
    run_command(doc.env("RUSTDOCFLAGS", "--deny warnings"))?;
    conformance::run(&conformance::Args::all())?;
    walk::run()
}

/// Licences, advisories, banned and doubled crates, sources. Advisories need their database, which not every network
/// gives: then that one check is named as not run.
fn deny() -> Result<()> {
    if !has("cargo-deny") {
        run_command(cargo().args(["install", "cargo-deny", "--locked", "--quiet"]))?;
    }
    run_command(cargo().args(["deny", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"]))?;
    if let Err(error) = run_command(cargo().args(["deny", "check", "advisories"])) {
        println!("NOT RUN: cargo deny check advisories ({error})");
    }
    Ok(())
}
