//! Checks what the documents say about the tree, and the tree's habits. Each check names what to do.

mod arrows;
mod code_map;
mod files;
mod fixtures;
mod threats;

use anyhow::{Result, bail};

/// A check's name, and what gives its faults.
type Check = (&'static str, fn() -> Result<Vec<String>>);

pub fn run() -> Result<()> {
    let checks: [Check; 5] = [
        ("arrows between crates", arrows::check),
        ("code map", code_map::check),
        ("files", files::check),
        ("fixtures", fixtures::check),
        ("threats", threats::check),
    ];
    let mut found = 0;
    for (name, check) in checks {
        for fault in check()? {
            found += 1;
            eprintln!("{name}: {fault}");
        }
    }
    if found > 0 {
        bail!("tidy found {found} things to mend");
    }
    println!("tidy: {} checks, nothing to mend", checks.len());
    Ok(())
}
