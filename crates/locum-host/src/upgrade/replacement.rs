//! Replaces a plugin file and its pin, so that at every moment the lock accepts the file that is there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::loading::pins::{Pin, Pins, write_replacing};
use crate::sha256::Sha256;
use crate::upgrade::UpgradeError;
use crate::upgrade::staged_file::{StagedFile, sync_directory};

/// What replaces what.
pub(super) struct Replacement {
    pub(super) installed: PathBuf,
    pub(super) staged: StagedFile,
    pub(super) old_sha256: Sha256,
    pub(super) new_pin: Pin,
}

/// The lock file of an installed file.
pub(super) fn lock_of(installed: &Path) -> PathBuf {
    Pins::lock_path(installed.parent().unwrap_or(Path::new("/")))
}

impl Replacement {
    /// The lock accepts both files, then the file is renamed, then the lock accepts the new file only. Each step is on the
    /// disk before the next one begins.
    ///
    /// Returns why the last step failed, if it did: from the rename on, the upgrade is done.
    pub(super) fn commit(self) -> Result<Option<String>, UpgradeError> {
        let Self { installed, staged, old_sha256, new_pin } = self;
        let lock = lock_of(&installed);
        // Read again: another file may have been pinned since the upgrade began.
        let before = fs::read(&lock).map_err(|error| not_replaced(&lock, &error))?;
        let mut pins = Pins::from_lock(&lock)?;
        let Some(old_pin) = pins.find(&installed).filter(|pin| pin.accepts(old_sha256)).cloned() else {
            let cause = "the plugin that runs is not pinned any more".to_owned();
            return Err(UpgradeError::ChangedSinceLoaded { path: lock, cause });
        };
        pins.pin(Pin { sha256: old_sha256, next_sha256: Some(new_pin.sha256), ..old_pin });
        pins.write_lock(&lock)?;
        if let Err(error) = staged.rename_to(&installed) {
            return Err(match write_replacing(&lock, &before) {
                Ok(()) => not_replaced(&installed, &error),
                // Harmless: it accepts the file that is there.
                Err(left) => {
                    let cause = format!("{error}; {} still accepts both files: {left}", lock.display());
                    UpgradeError::NotReplaced { path: installed, cause }
                }
            });
        }
        // Unless the rename is on the disk, the lock must go on accepting both.
        let finished = sync_directory(&installed).map_err(|error| error.to_string()).and_then(|()| {
            pins.pin(new_pin);
            pins.write_lock(&lock).map_err(|error| error.cause)
        });
        Ok(finished.err().map(|cause| {
            format!(
                "{}: the old file is still accepted beside the new one: {cause}; correct that and restart the \
                 server, or pin the file again",
                lock.display()
            )
        }))
    }
}

fn not_replaced(path: &Path, error: &io::Error) -> UpgradeError {
    UpgradeError::NotReplaced { path: path.to_owned(), cause: error.to_string() }
}
