//! The public items of the crates that others build on, in committed texts that are reviewed as diffs.
//!
//! The listing is ours, made from the parsed source. Rustdoc's JSON knows more (implementations that macros write, auto
//! traits), but it is unstable: it needs a nightly toolchain, or a switch that the compiler reserves for itself, and a
//! reader of exactly its version; each bump of the pinned toolchain would break the check. Derives are listed as the
//! attributes that they are.

mod listing;
mod signatures;

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use clap::Args as ClapArgs;

use crate::shell::workspace_root;
use crate::source::Module;
use crate::workspace::Workspace;

/// The crates that are listed.
const CRATES: [&str; 4] = ["locum-abi", "locum-plugin", "locum-engine", "locum-server"];

/// Where the listings are.
const FOLDER: &str = "xtask/public-api";

#[derive(ClapArgs)]
pub struct Args {
    /// Rewrites what differs; review the difference before you commit it.
    #[arg(long)]
    pub bless: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let workspace = Workspace::load(workspace_root())?;
    let mut changed = Vec::new();
    for name in CRATES {
        let path = workspace.root.join(FOLDER).join(format!("{name}.txt"));
        let listed = listed(&workspace, name)?;
        if fs::read_to_string(&path).is_ok_and(|committed| committed == listed) {
            continue;
        }
        if args.bless {
            fs::write(&path, listed).with_context(|| format!("cannot write {}", path.display()))?;
        } else {
            show_difference(&path, &listed)?;
        }
        changed.push(name);
    }
    match (changed.is_empty(), args.bless) {
        (true, _) => println!("public items: as in {FOLDER}"),
        (false, true) => println!("public items: rewrote {}; review the difference", changed.join(", ")),
        (false, false) => bail!(
            "public items of {} differ from {FOLDER}; run `cargo xtask public-api --bless` and review the difference",
            changed.join(", ")
        ),
    }
    Ok(())
}

/// The listing of a crate, formatted.
fn listed(workspace: &Workspace, name: &str) -> Result<String> {
    let package = workspace.packages.iter().find(|package| package.name == name);
    let targets = package.into_iter().flat_map(|package| &package.targets);
    let library =
        targets.into_iter().find(|target| target.is_lib()).with_context(|| format!("no library {name}"))?;
    let root = Module::load(library.src_path.as_std_path())?;
    Ok(format!(
        "// Public items of {name}. `cargo xtask public-api --bless` writes this file; each change of it is reviewed.\n\n{}",
        formatted(&listing::of(&root).to_string())?
    ))
}

/// Formats with rustfmt, which every installation of the pinned toolchain has.
fn formatted(source: &str) -> Result<String> {
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.args(["--edition", "2024"]).current_dir(workspace_root());
    let mut child =
        rustfmt.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot start rustfmt")?;
    child.stdin.take().context("rustfmt has no standard input")?.write_all(source.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "rustfmt cannot read the listing:\n{source}");
    Ok(signatures::with_marks(&String::from_utf8(output.stdout)?))
}

fn show_difference(committed: &std::path::Path, listed: &str) -> Result<()> {
    let mut diff = Command::new("git");
    diff.args(["diff", "--no-index", "--"]).arg(committed).arg("-").stdin(Stdio::piped());
    let mut child = diff.spawn().context("cannot start git")?;
    child.stdin.take().context("git has no standard input")?.write_all(listed.as_bytes())?;
    // It ends with 1 if there is a difference.
    child.wait()?;
    Ok(())
}
