//! The workspace as cargo knows it: its packages and its directories.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::{MetadataCommand, Package};

/// A checkout of this repository.
pub struct Workspace {
    /// Its root, as an absolute path.
    pub root: PathBuf,
    /// Where cargo builds it, as an absolute path.
    pub target: PathBuf,
    /// Its members.
    pub packages: Vec<Package>,
}

impl Workspace {
    /// Asks cargo about the checkout at `root`, which may be another than the one that this program was built from.
    pub fn load(root: &Path) -> Result<Self> {
        let mut command = MetadataCommand::new();
        command.current_dir(root).no_deps();
        // Offline where that suffices: no network is needed to know the members.
        let metadata = command
            .other_options(["--offline".to_owned()])
            .exec()
            .or_else(|_| command.other_options([]).exec())
            .with_context(|| format!("cargo does not know a workspace at {}", root.display()))?;
        Ok(Self {
            root: metadata.workspace_root.into_std_path_buf(),
            target: metadata.target_directory.into_std_path_buf(),
            packages: metadata.packages,
        })
    }

    /// The packages without those that are only there to test the host and the suite, which are in folders named so.
    pub fn released(&self) -> impl Iterator<Item = &Package> {
        let is_for_tests = |folder: &Path| folder.iter().any(|part| part == "tests" || part == "bad-plugins");
        self.packages.iter().filter(move |package| !is_for_tests(self.folder(package)))
    }

    /// The packages under `plugins/`.
    pub fn plugins(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.is_plugin(package))
    }

    /// Whether it is under `plugins/`.
    pub fn is_plugin(&self, package: &Package) -> bool {
        self.folder(package).starts_with("plugins")
    }

    /// The folder of a package, relative to the root.
    fn folder<'p>(&self, package: &'p Package) -> &'p Path {
        let manifest = package.manifest_path.as_std_path();
        let folder = manifest.parent().unwrap_or(manifest);
        folder.strip_prefix(&self.root).unwrap_or(folder)
    }
}
