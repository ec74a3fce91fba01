//! Every combination of features of every crate, checked by clippy: what one build turns on hides what another lacks.

use anyhow::{Result, ensure};
use cargo_metadata::Package;

use crate::shell::{cargo, run as run_command, workspace_root};
use crate::workspace::Workspace;

/// Features of a crate above which its combinations, two to their power, take too long.
const FEATURES_MAX: usize = 4;

pub fn run() -> Result<()> {
    for package in &Workspace::load(workspace_root())?.packages {
        let features = features(package);
        ensure!(
            features.len() <= FEATURES_MAX,
            "{} has {} features, which cannot all be combined; choose what to check in xtask/src/features.rs",
            package.name,
            features.len()
        );
        if features.is_empty() {
            continue;
        }
        for combination in combinations(&features) {
            let mut clippy = cargo();
            clippy.args(["clippy", "--quiet", "--package", &package.name, "--no-default-features"]);
            clippy.args(["--features", &combination.join(","), "--", "--deny", "warnings"]);
            run_command(&mut clippy)?;
        }
    }
    Ok(())
}

/// The features of a crate, without the one that only names which are on by default.
fn features(package: &Package) -> Vec<&str> {
    package.features.keys().map(String::as_str).filter(|name| *name != "default").collect()
}

/// All subsets, the empty one first.
fn combinations<'f>(features: &[&'f str]) -> Vec<Vec<&'f str>> {
    features.iter().fold(vec![Vec::new()], |mut combinations, feature| {
        let with: Vec<_> = combinations
            .iter()
            .cloned()
            .map(|mut set| {
                set.push(*feature);
                set
            })
            .collect();
        combinations.extend(with);
        combinations
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subset_is_a_combination() {
        let expected: [&[&str]; 4] = [&[], &["a"], &["b"], &["a", "b"]];
        assert_eq!(combinations(&["a", "b"]), expected);
    }
}
