//! A copy of the checkout, in which the bugs are applied and built. The checkout itself is never changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::bugs::bug::{Bug, file_of, package_of};
use crate::shell::{capture, cargo, workspace_root};
use crate::tidy::texts;

/// The copy, with a target directory of its own: a plugin with a bug must not be taken for a plugin of the checkout.
pub struct Copy {
    root: PathBuf,
    target: PathBuf,
}

impl Copy {
    pub fn make(folder: &Path) -> Result<Self> {
        let copy = Self { root: folder.join("source"), target: folder.join("target") };
        copy.restore("")?;
        Ok(copy)
    }

    /// Builds one plugin for each of these bugs, with the bug.
    pub fn build(&self, bugs: &[&Bug]) -> Result<()> {
        self.restore("plugins/")?;
        let mut build = cargo();
        build.args(["build", "--quiet"]).current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        // A bug may leave a function unused.
        build.env("RUSTFLAGS", "--allow warnings");
        for bug in bugs {
            let mut apply = Command::new("git");
            apply.arg("apply").arg(&bug.patch).current_dir(&self.root);
            // Git must not find the repository around the copy, by whose paths it would read the patch.
            apply.env("GIT_CEILING_DIRECTORIES", self.root.parent().unwrap_or(&self.root));
            capture(&mut apply).with_context(|| format!("{} does not apply", bug.id()))?;
            build.args(["--package", &package_of(&bug.plugin)]);
        }
        let ids: Vec<String> = bugs.iter().map(|bug| bug.id()).collect();
        capture(&mut build).with_context(|| format!("one of these does not compile: {}", ids.join(", ")))?;
        Ok(())
    }

    /// The file that was built last of a plugin.
    pub fn plugin(&self, plugin: &str) -> PathBuf {
        self.target.join("debug").join(file_of(plugin))
    }

    /// Makes the files below a folder those of the checkout. Equal ones are left alone, so that cargo builds less.
    fn restore(&self, below: &str) -> Result<()> {
        for path in texts::paths(workspace_root())?.iter().filter(|path| path.starts_with(below)) {
            let (from, to) = (workspace_root().join(path), self.root.join(path));
            let content = fs::read(&from).with_context(|| format!("cannot read {path}"))?;
            if fs::read(&to).ok().as_ref() != Some(&content) {
                fs::create_dir_all(to.parent().context("a file is in a folder")?)?;
                fs::write(&to, content)?;
            }
        }
        Ok(())
    }
}
