//! Upgrade: replaces the file of a plugin that runs, its pin, and the plugin itself, or nothing of all that.
//!
//! ```text
//! StagedFile::copy      the new file beside the old one, under a name that is never loaded
//! PluginSet::upgrade    checks and loads it; the old plugin goes on           ─► PluginUpgrade
//!   … the caller configures everything with `PluginUpgrade::plugins` …
//! PluginUpgrade::commit lock: both hashes ─ rename the file ─ lock: new hash  ─► UpgradedPlugins
//! ```
//!
//! A crash between these steps leaves a file that the lock accepts, the old one or the new one;
//! [`settle_interrupted_upgrades`] removes the other hash at the next start.

mod replacement;
mod settlement;
mod staged_file;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::isolation::Isolation;
use crate::loading::load_error::LoadError;
use crate::loading::pins::{Pin, Pins};
use crate::loading::plugin_file::PluginFile;
use crate::plugin::Plugin;
use crate::plugin_set::PluginSet;
use crate::sha256::Sha256;
use crate::upgrade::replacement::Replacement;
pub use crate::upgrade::settlement::settle_interrupted_upgrades;
pub use crate::upgrade::staged_file::StagedFile;

/// Why a plugin was not upgraded. The old one, its file and its pin stay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpgradeError {
    /// No plugin of this name is loaded.
    #[error("no plugin with the name `{0}` is loaded; install the file, pin it and restart the server")]
    NotLoaded(String),
    /// The plugin runs in the host's process, which never unloads code.
    #[error(
        "`{0}` runs in the server's process, which never unloads code: replace the file, pin it with --in-process \
         and restart the server"
    )]
    InProcess(String),
    /// The new file has the same bytes as the one that runs.
    #[error("these bytes of `{0}` run already")]
    SameFile(String),
    /// The staged file is not in the directory of the old one, or has another name than staged files have.
    #[error("{0}: not a staged file of this plugin; use `locum plugin upgrade`")]
    NotAStagedFile(PathBuf),
    /// The new file cannot be copied beside the old one.
    #[error("{path}: the file cannot be copied beside the installed one: {cause}")]
    NotStaged {
        /// The copy, which is deleted.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The new file is another plugin.
    #[error("the file is the plugin `{found}`, not `{expected}`; an upgrade keeps the name")]
    OtherName {
        /// The plugin that is to be upgraded.
        expected: String,
        /// The name in the manifest of the new file.
        found: String,
    },
    /// The old file or its pin is not what it was when the plugin was loaded.
    #[error("{path}: {cause}; restart the server with the file that you want")]
    ChangedSinceLoaded {
        /// The file or the lock file.
        path: PathBuf,
        /// What has changed.
        cause: String,
    },
    /// The new file cannot be loaded, or the lock file cannot be read or written.
    #[error("{0}")]
    Load(#[from] LoadError),
    /// The new file could not take the old one's place.
    #[error(
        "{path}: cannot be replaced: {cause}; let the server's user write the plugins directory, or replace the \
         file yourself, pin it and restart the server"
    )]
    NotReplaced {
        /// The installed file.
        path: PathBuf,
        /// Why, and whether something is left to do.
        cause: String,
    },
}

/// A plugin that is loaded and does not serve yet. Dropped, it ends, and nothing has changed.
pub struct PluginUpgrade {
    plugins: PluginSet,
    replacement: Replacement,
}

/// The plugins after an upgrade.
pub struct UpgradedPlugins {
    /// With the new plugin in the place of the old one. The old one ends with the last issuer of it.
    pub plugins: PluginSet,
    /// Why the lock file still accepts the old file besides the new one, if it does.
    pub warning: Option<String>,
}

impl PluginSet {
    /// Loads a staged file in the place of the plugin of this name, at the same level of isolation. `sha256` is what the
    /// operator has agreed to. The staged file is deleted unless the upgrade is committed.
    ///
    /// # Errors
    /// Why the file cannot take the place of the old one. Nothing has changed then.
    pub fn upgrade(
        &self,
        plugin: &str,
        staged: &Path,
        sha256: Sha256,
    ) -> Result<PluginUpgrade, UpgradeError> {
        let old = self
            .plugins()
            .find(|loaded| loaded.manifest().name == plugin)
            .ok_or_else(|| UpgradeError::NotLoaded(plugin.to_owned()))?;
        let staged = StagedFile::adopt(staged, old.path())
            .ok_or_else(|| UpgradeError::NotAStagedFile(staged.to_owned()))?;
        if old.isolation() == Isolation::InProcess {
            return Err(UpgradeError::InProcess(plugin.to_owned()));
        }
        if old.sha256() == sha256 {
            return Err(UpgradeError::SameFile(plugin.to_owned()));
        }
        let old_pin = pin_of(old)?;
        let mut file = PluginFile::read(staged.path())?;
        // It is checked and pinned under the name that it will have.
        old.path().clone_into(&mut file.path);
        let mut pins = Pins::default();
        let new_pin = Pin { sha256, next_sha256: None, ..old_pin };
        pins.pin(new_pin.clone());
        let new = Plugin::load_file(file, &pins, self.runner_options())?;
        if new.manifest().name != plugin {
            let found = new.manifest().name.clone();
            return Err(UpgradeError::OtherName { expected: plugin.to_owned(), found });
        }
        let replacement = Replacement {
            installed: old.path().to_owned(),
            staged,
            old_sha256: old.sha256(),
            new_pin: Pin { version: new.manifest().version.clone(), ..new_pin },
        };
        Ok(PluginUpgrade { plugins: self.with(Arc::new(new))?, replacement })
    }
}

/// The pin of a loaded plugin. It and the file must be what they were when the plugin was loaded: otherwise the operator
/// has prepared another change, which the upgrade would undo.
fn pin_of(plugin: &Plugin) -> Result<Pin, UpgradeError> {
    let installed = PluginFile::read(plugin.path())?;
    if installed.sha256 != plugin.sha256() {
        let cause = "the file has changed since it was loaded".to_owned();
        return Err(UpgradeError::ChangedSinceLoaded { path: installed.path, cause });
    }
    let lock = replacement::lock_of(plugin.path());
    let pins = Pins::from_lock(&lock)?;
    let pin = pins.find(plugin.path()).filter(|pin| pin.accepts(plugin.sha256()));
    let changed = |cause: &str| UpgradeError::ChangedSinceLoaded { path: lock, cause: cause.to_owned() };
    match pin {
        None => Err(changed("the plugin that runs is not pinned any more")),
        Some(pin) if !is_loaded_with(plugin, pin) => {
            Err(changed("what the pin says besides the SHA-256 has changed since the plugin was loaded"))
        }
        Some(pin) => Ok(pin.clone()),
    }
}

fn is_loaded_with(plugin: &Plugin, pin: &Pin) -> bool {
    (pin.isolation, pin.isolate, pin.allow_signing_bytes)
        == (plugin.isolation(), plugin.process_scope(), plugin.allows_signing_bytes())
}

impl PluginUpgrade {
    /// The plugins with the new one in the place of the old one, to configure issuers with.
    pub fn plugins(&self) -> &PluginSet {
        &self.plugins
    }

    /// Replaces the file and its pin. Blocks on the file system.
    ///
    /// # Errors
    /// Why they could not be replaced. Both are what they were before.
    pub fn commit(self) -> Result<UpgradedPlugins, UpgradeError> {
        let warning = self.replacement.commit()?;
        Ok(UpgradedPlugins { plugins: self.plugins, warning })
    }
}
