//! Every plugin has fixtures, and the number of cases that a folder states is right.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::workspace::Workspace;

/// The plugin spec.
const PLUGIN_SPEC: &str = "plugin.yaml";
/// States the number of cases in its folder, so that a lost file is noticed.
const COUNT: &str = "count.yaml";

pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let fixtures = workspace.root.join("fixtures");
    let mut faults = Vec::new();
    for entry in fs::read_dir(workspace.root.join("plugins"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() && !fixtures.join(&name).join(PLUGIN_SPEC).is_file() {
            faults.push(format!("plugins/{name} has no fixtures/{name}/{PLUGIN_SPEC}"));
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
        if name.ends_with(".yaml") && name != PLUGIN_SPEC && name != COUNT {
            cases += cases_of(&fs::read_to_string(folder.join(&name))?);
        }
    }
    let stated = fs::read_to_string(folder.join(COUNT)).unwrap_or_default();
    let right = stated.lines().any(|line| line.trim() == format!("cases: {cases}"));
    Ok((!right).then(|| format!("{} must say `cases: {cases}`", folder.join(COUNT).display())))
}

/// The cases of a fixture file: one, or one for each entry of its top-level `variants`.
fn cases_of(text: &str) -> usize {
    let variants = text.lines().skip_while(|line| *line != "variants:").skip(1);
    let variants = variants.take_while(|line| line.is_empty() || line.starts_with(' '));
    variants.filter(|line| line.starts_with("  ") && !line.starts_with("   ")).count().max(1)
}

#[cfg(test)]
mod tests {
    use super::cases_of;

    #[test]
    fn each_variant_counts_as_a_case() {
        assert_eq!(cases_of("description: A.\nsteps:\n  - expect: { status: 200 }\n"), 1);
        assert_eq!(cases_of("variants:\n  one: 1\n  two:\n    a: 1\nsteps:\n  - a\n  - b\n"), 2);
    }
}
