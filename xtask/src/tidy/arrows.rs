//! Which crate may import which: the table here is the one in `crates/README.md`, and cargo's own must equal it.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::shell::{capture, cargo};

/// Crate, and what of ours it may import.
const ARROWS: [(&str, &[&str]); 10] = [
    ("locum-abi", &[]),
    ("locum-plugin", &["locum-abi"]),
    ("locum-engine", &["locum-abi"]),
    ("locum-host", &["locum-abi", "locum-engine"]),
    ("locum-store", &["locum-abi", "locum-engine"]),
    ("locum-server", &["locum-engine"]),
    ("locum-conformance", &["locum-abi", "locum-engine", "locum-host", "locum-server", "locum-store"]),
    (
        "locum",
        &[
            "locum-abi",
            "locum-conformance",
            "locum-engine",
            "locum-host",
            "locum-plugin",
            "locum-server",
            "locum-store",
        ],
    ),
    ("xtask", &[]),
    // Any plugin, wherever it stands.
    ("*", &["locum-plugin"]),
];

/// Crates that the engine's tree must never hold.
const NEVER_IN_THE_ENGINE: [&str; 8] =
    ["abi_stable", "axum", "hyper", "libloading", "reqwest", "rustls", "tokio", "tracing"];

pub fn check() -> Result<Vec<String>> {
    let output = capture(cargo().args(["metadata", "--format-version=1", "--no-deps"]))?;
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages =
        metadata.get("packages").and_then(Value::as_array).context("cargo metadata names no packages")?;
    let mut faults = Vec::new();
    for package in packages {
        let name = package.get("name").and_then(Value::as_str).context("a package has a name")?;
        if is_for_tests(package) {
            continue;
        }
        for import in imports(package) {
            if !allowed(name).contains(&import.as_str()) {
                faults.push(format!(
                    "{name} imports {import}; the arrow is not in the table of xtask/src/tidy/arrows.rs"
                ));
            }
        }
    }
    faults.extend(engine_tree()?);
    faults.extend(only_ffi_names_abi_stable(packages));
    Ok(faults)
}

/// Plugins that exist to misbehave may import what they need for it.
fn is_for_tests(package: &Value) -> bool {
    let manifest = package.get("manifest_path").and_then(Value::as_str).unwrap_or_default();
    manifest.contains("/tests/") || manifest.contains("/bad-plugins/")
}

fn allowed(name: &str) -> &'static [&'static str] {
    let row = |wanted: &str| ARROWS.iter().find(|(row, _)| *row == wanted).map(|(_, allowed)| *allowed);
    row(name).or_else(|| row("*")).unwrap_or(&[])
}

/// What of ours it imports outside its tests.
fn imports(package: &Value) -> Vec<String> {
    let dependencies = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
    dependencies
        .filter(|dependency| dependency.get("kind").is_some_and(Value::is_null))
        .filter(|dependency| dependency.get("path").is_some())
        .filter_map(|dependency| dependency.get("name").and_then(Value::as_str).map(str::to_owned))
        .collect()
}

fn engine_tree() -> Result<Vec<String>> {
    let mut tree = cargo();
    tree.args([
        "tree",
        "--package",
        "locum-engine",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    let output = capture(&mut tree)?;
    let text = String::from_utf8(output.stdout)?;
    let names = text.lines().filter_map(|line| line.split(' ').next());
    let mut found: Vec<&str> = names.filter(|name| NEVER_IN_THE_ENGINE.contains(name)).collect();
    found.sort_unstable();
    found.dedup();
    Ok(found
        .into_iter()
        .map(|name| format!("locum-engine's tree holds {name}; it performs no I/O"))
        .collect())
}

fn only_ffi_names_abi_stable(packages: &[Value]) -> Vec<String> {
    packages
        .iter()
        .filter(|package| package.get("name").is_some_and(|name| name != "locum-abi"))
        .filter(|package| {
            let dependencies = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
            dependencies
                .into_iter()
                .any(|dependency| dependency.get("name").is_some_and(|name| name == "abi_stable"))
        })
        .map(|package| {
            format!(
                "{} depends on abi_stable; only locum-abi may",
                package.get("name").unwrap_or(&Value::Null)
            )
        })
        .collect()
}
