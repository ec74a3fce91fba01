//! Every plugin has fixtures, and each folder of them counts its cases right.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::shell::workspace_root;

/// Says how a plugin is set up for its cases.
const SHEET: &str = "plugin.yaml";
/// Says how many cases stand beside it, so that none gets lost unseen.
const COUNT: &str = "count.yaml";

pub fn check() -> Result<Vec<String>> {
    let fixtures = workspace_root().join("fixtures");
    let mut faults = Vec::new();
    for entry in fs::read_dir(workspace_root().join("plugins"))? {
        let plugin = entry?.path();
        let name = plugin.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if plugin.is_dir() && !fixtures.join(&name).join(SHEET).is_file() {
            faults.push(format!("plugins/{name} has no fixtures/{name}/{SHEET}"));
        }
    }
    for entry in fs::read_dir(&fixtures)? {
        let folder = entry?.path();
        if folder.join(COUNT).is_file() {
            faults.extend(miscounted(&folder)?);
        }
    }
    faults.sort();
    Ok(faults)
}

fn miscounted(folder: &Path) -> Result<Option<String>> {
    let mut cases = 0;
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".yaml") && name != SHEET && name != COUNT {
            cases += 1;
        }
    }
    let stated = fs::read_to_string(folder.join(COUNT)).unwrap_or_default();
    let right = stated.lines().any(|line| line.trim() == format!("cases: {cases}"));
    Ok((!right).then(|| format!("{} must say `cases: {cases}`", folder.join(COUNT).display())))
}
