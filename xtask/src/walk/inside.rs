//! A plugin that is added to the workspace touches its own folder and its fixtures, and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::new_plugin;
use crate::shell::{capture, run as run_command, target_dir, workspace_root};
use crate::tidy::{self, texts};
use crate::workspace::Workspace;

/// The plugin that is added.
const NAME: &str = "car-park";

/// Cargo adds the new package to it by itself.
const LOCK: &str = "Cargo.lock";

pub fn walk() -> Result<()> {
    let target = target_dir()?;
    let copy = Copy::make(&target.join("walk-inside"))?;
    let before = faults(&copy)?;
    new_plugin::create(&target.join("debug/locum"), &copy.root, NAME)?;
    let after = faults(&copy)?;
    let new: Vec<&String> = after.difference(&before).collect();
    ensure!(new.is_empty(), "with a new plugin, tidy wants more to be changed: {new:?}");
    copy.git(&["add", "--intent-to-add", "."])?;
    run_command(Command::new("git").args(["diff", "--stat"]).current_dir(&copy.root))?;
    let changed = copy.git(&["diff", "--name-only"])?;
    ensure!(changed.lines().count() > 1, "the new plugin {NAME} wrote no files");
    let strays = strays(changed.lines());
    ensure!(strays.is_empty(), "a new plugin changes files outside its folder and its fixtures: {strays:?}");
    println!("walk: a new plugin touches its folder and its fixtures, and nothing else");
    Ok(())
}

fn faults(copy: &Copy) -> Result<BTreeSet<String>> {
    Ok(tidy::faults(&Workspace::load(&copy.root)?)?.into_iter().collect())
}

/// The changed files that are neither in one folder under `plugins/` nor in that of its name under `fixtures/`.
fn strays<'p>(changed: impl Iterator<Item = &'p str>) -> Vec<&'p str> {
    let paths: Vec<&str> = changed.filter(|path| *path != LOCK).collect();
    let name = paths.iter().find_map(|path| path.strip_prefix("plugins/")?.split('/').next());
    let belongs = |path: &&str| {
        let below = path.strip_prefix("plugins/").or_else(|| path.strip_prefix("fixtures/"));
        name.is_some() && below.and_then(|below| below.split_once('/')).map(|(folder, _)| folder) == name
    };
    paths.into_iter().filter(|path| !belongs(path)).collect()
}

/// A copy of this checkout, as it is on disk, that git knows; removed after the walk.
struct Copy {
    root: PathBuf,
}

impl Copy {
    fn make(root: &Path) -> Result<Self> {
        if root.exists() {
            fs::remove_dir_all(root)?;
        }
        let copy = Self { root: root.to_owned() };
        for path in texts::paths(workspace_root())? {
            let file = copy.root.join(&path);
            fs::create_dir_all(file.parent().context("a file is in a folder")?)?;
            fs::copy(workspace_root().join(&path), &file).with_context(|| format!("cannot copy {path}"))?;
        }
        copy.git(&["init", "--quiet"])?;
        copy.git(&["add", "--all"])?;
        Ok(copy)
    }

    fn git(&self, arguments: &[&str]) -> Result<String> {
        let output = capture(Command::new("git").args(arguments).current_dir(&self.root))?;
        Ok(String::from_utf8(output.stdout)?)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.root) {
            eprintln!("{} is left behind: {error}", self.root.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_has_one_folder_and_its_fixtures() {
        let own =
            ["Cargo.lock", "fixtures/park/a.yaml", "plugins/park/Cargo.toml", "plugins/park/src/lib.rs"];
        assert!(strays(own.into_iter()).is_empty());
    }

    #[test]
    fn every_other_file_is_a_stray() {
        for other in
            ["Cargo.toml", "crates/README.md", "fixtures/app/a.yaml", "plugins/app/a.rs", "plugins/README.md"]
        {
            assert_eq!(strays(["plugins/park/Cargo.toml", other].into_iter()), [other]);
        }
        assert_eq!(strays(["fixtures/park/a.yaml"].into_iter()), ["fixtures/park/a.yaml"]);
    }
}
