//! Every plugin has fixtures, and `fixtures/README.md` counts them right.

use std::fs;

use anyhow::{Context, Result};

use crate::shell::workspace_root;

pub fn check() -> Result<Vec<String>> {
    let root = workspace_root();
    let readme =
        fs::read_to_string(root.join("fixtures/README.md")).context("fixtures/README.md cannot be read")?;
    let mut faults = Vec::new();
    let mut folders = vec!["core".to_owned(), "server".to_owned()];
    for entry in fs::read_dir(root.join("plugins"))? {
        folders.push(entry?.file_name().to_string_lossy().into_owned());
    }
    folders.sort();
    for folder in folders {
        let cases = cases_in(&root.join("fixtures").join(&folder));
        if cases == 0 {
            faults.push(format!("fixtures/{folder} holds no case"));
        } else if !readme.contains(&format!("| `{folder}` | {cases} |")) {
            faults.push(format!("fixtures/README.md must have the row `| `{folder}` | {cases} |`"));
        }
    }
    Ok(faults)
}

/// Cases are YAML files; `plugin.yaml` says how a plugin is set up for them.
fn cases_in(folder: &std::path::Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.ends_with(".yaml") && name != "plugin.yaml").count()
}
