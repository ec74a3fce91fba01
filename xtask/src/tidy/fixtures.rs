//! Every plugin has fixtures, and the number of cases that a folder states is right.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::workspace::Workspace;

/// Says how a plugin is set up for its cases.
const PROFILE: &str = "plugin.yaml";
/// Says how many cases are beside it, so that a lost file is noticed.
const COUNT: &str = "count.yaml";

pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let fixtures = workspace.root.join("fixtures");
    let mut faults = Vec::new();
    for entry in fs::read_dir(workspace.root.join("plugins"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() && !fixtures.join(&name).join(PROFILE).is_file() {
            faults.push(format!("plugins/{name} has no fixtures/{name}/{PROFILE}"));
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
        if name.ends_with(".yaml") && name != PROFILE && name != COUNT {
            cases += 1;
        }
    }
    let stated = fs::read_to_string(folder.join(COUNT)).unwrap_or_default();
    let right = stated.lines().any(|line| line.trim() == format!("cases: {cases}"));
    Ok((!right).then(|| format!("{} must say `cases: {cases}`", folder.join(COUNT).display())))
}
