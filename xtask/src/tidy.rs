//! Checks what the documents say about the tree, and the tree's habits. Each check names what to do.

mod arrows;
mod code_map;
mod cycles;
mod files;
mod fixtures;
pub mod texts;
mod threats;
mod words;

use anyhow::{Result, bail};

use crate::shell::workspace_root;
use crate::workspace::Workspace;

/// A check's name, and what gives its faults.
type Check = (&'static str, fn(&Workspace) -> Result<Vec<String>>);

const CHECKS: [Check; 7] = [
    ("arrows between crates", arrows::check),
    ("code map", code_map::check),
    ("cycles between modules", cycles::check),
    ("files", files::check),
    ("fixtures", fixtures::check),
    ("threats", threats::check),
    ("words", words::check),
];

pub fn run() -> Result<()> {
    let faults = faults(&Workspace::load(workspace_root())?)?;
    for fault in &faults {
        eprintln!("{fault}");
    }
    if !faults.is_empty() {
        bail!("tidy found {} faults", faults.len());
    }
    println!("tidy: {} checks, no faults", CHECKS.len());
    Ok(())
}

/// What all checks find in a checkout.
pub fn faults(workspace: &Workspace) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for (name, check) in CHECKS {
        faults.extend(check(workspace)?.into_iter().map(|fault| format!("{name}: {fault}")));
    }
    Ok(faults)
}
