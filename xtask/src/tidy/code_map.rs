//! The code map names every crate with the sentence of its `Cargo.toml`, and none that is gone.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::shell::{capture, cargo, workspace_root};

const MAP: &str = "crates/README.md";

pub fn check() -> Result<Vec<String>> {
    let map =
        fs::read_to_string(workspace_root().join(MAP)).with_context(|| format!("{MAP} cannot be read"))?;
    let output = capture(cargo().args(["metadata", "--format-version=1", "--no-deps"]))?;
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages =
        metadata.get("packages").and_then(Value::as_array).context("cargo metadata names no packages")?;
    let mut faults = Vec::new();
    let mut names = Vec::new();
    for package in packages {
        let text = |member: &str| package.get(member).and_then(Value::as_str).unwrap_or_default();
        let (name, description, manifest) = (text("name"), text("description"), text("manifest_path"));
        names.push(name);
        // Plugins that exist to be refused stand with their tests.
        if manifest.contains("/tests/") || manifest.contains("/bad-plugins/") {
            continue;
        }
        if description.is_empty() {
            faults.push(format!("{name} has no description in its Cargo.toml"));
        } else if !map.contains(&format!("`{name}`")) || !map.contains(description) {
            faults.push(format!("{MAP} does not say of `{name}`: {description}"));
        }
        faults.extend(first_line(manifest, name, description));
    }
    // The map's rows begin with the crate's name.
    let rows = map.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    for row in rows.filter(|row| !names.contains(row)) {
        faults.push(format!("{MAP} names `{row}`, which is gone"));
    }
    Ok(faults)
}

/// The crate's `//!` begins with the same sentence.
fn first_line(manifest: &str, name: &str, description: &str) -> Option<String> {
    let source = std::path::Path::new(manifest).parent()?.join("src");
    let text = fs::read_to_string(source.join("lib.rs"))
        .or_else(|_| fs::read_to_string(source.join("main.rs")))
        .ok()?;
    let first = text.lines().next().unwrap_or_default();
    (first != format!("//! {description}"))
        .then(|| format!("{name}: the first line of its source is not `//! {description}`"))
}
