//! Replaces a plugin file and its pin, so that at every moment the lock accepts the file that is there.

use std::io;
use std::path::{Path, PathBuf};

use crate::limits::LOCK_FILE_BYTES_MAX;
use crate::loading::pins::{Pin, Pins, write_replacing};
use crate::loading::regular_file::{self, Links};
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

/// A lock file that accepts the old and the new file.
struct BothAccepted {
    lock: PathBuf,
    pins: Pins,
    /// What the lock file contained before.
    before: Vec<u8>,
}

impl Replacement {
    /// The lock accepts both files, then the file is renamed, then the lock accepts the new file only. Each step is on the
    /// disk before the next one begins.
    ///
    /// Returns why the last step failed, if it did: from the rename on, the upgrade is done.
    pub(super) fn commit(self) -> Result<Option<String>, UpgradeError> {
        let BothAccepted { lock, mut pins, before } = self.accept_both()?;
        let Self { installed, staged, new_pin, .. } = self;
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

    fn accept_both(&self) -> Result<BothAccepted, UpgradeError> {
        let lock = lock_of(&self.installed);
        let before = regular_file::read(&lock, Links::Follow, LOCK_FILE_BYTES_MAX)
            .map_err(|error| UpgradeError::NotReplaced { path: lock.clone(), cause: error.to_string() })?;
        // Read again: another file may have been pinned since the upgrade began.
        let mut pins = Pins::from_lock(&lock)?;
        let Some(old_pin) = pins.find(&self.installed).filter(|pin| pin.accepts(self.old_sha256)).cloned()
        else {
            let cause = "the plugin that runs is not pinned any more".to_owned();
            return Err(UpgradeError::ChangedSinceLoaded { path: lock, cause });
        };
        let next_sha256 = Some(self.new_pin.sha256);
        pins.pin(Pin { sha256: self.old_sha256, next_sha256, ..old_pin });
        pins.write_lock(&lock)?;
        Ok(BothAccepted { lock, pins, before })
    }
}

fn not_replaced(path: &Path, error: &io::Error) -> UpgradeError {
    UpgradeError::NotReplaced { path: path.to_owned(), cause: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    /// A plugins directory with the file `old`, its pin, and the staged file `new`.
    fn replacement(directory: &TempDir) -> Replacement {
        let plugins = directory.path().join("plugins");
        fs::create_dir(&plugins).unwrap();
        let installed = plugins.join("libapp.so");
        let staged = plugins.join(".libapp.so.7.upgrade");
        fs::write(&installed, "old").unwrap();
        fs::write(&staged, "new").unwrap();
        let pin = |file: &str, bytes: &[u8]| {
            let sha256 = Sha256::of(bytes);
            format!(
                "[[plugin]]\nfile = \"{file}\"\nsha256 = \"{sha256}\"\nname = \"app\"\nversion = \"1.0.0\"\n"
            )
        };
        // The comment is lost if the file is written anew.
        let lock = ["# by hand\n", &pin("libapp.so", b"old"), &pin("libother.so", b"other")].concat();
        fs::write(lock_of(&installed), lock).unwrap();
        let old_pin = Pins::from_lock(&lock_of(&installed)).unwrap().find(&installed).unwrap().clone();
        Replacement {
            staged: StagedFile::adopt(&staged, &installed).unwrap(),
            installed,
            old_sha256: Sha256::of(b"old"),
            new_pin: Pin { sha256: Sha256::of(b"new"), version: "2.0.0".to_owned(), ..old_pin },
        }
    }

    fn accepted(installed: &Path) -> [bool; 3] {
        let pins = Pins::from_lock(&lock_of(installed)).unwrap();
        let pin = pins.find(installed).unwrap();
        [b"old".as_slice(), b"new", b"third"].map(|bytes| pin.accepts(Sha256::of(bytes)))
    }

    #[test]
    fn while_the_file_is_renamed_the_lock_accepts_both() {
        let directory = TempDir::new().unwrap();
        let replacement = replacement(&directory);
        assert_eq!(accepted(&replacement.installed), [true, false, false]);
        replacement.accept_both().map(|_| ()).unwrap();
        assert_eq!(accepted(&replacement.installed), [true, true, false]);
        let installed = replacement.installed.clone();
        assert_eq!(replacement.commit(), Ok(None));
        assert_eq!(accepted(&installed), [false, true, false]);
        assert_eq!(fs::read(&installed).unwrap(), b"new");
        assert_eq!(fs::read_dir(directory.path().join("plugins")).unwrap().count(), 1);
        assert_eq!(Pins::from_lock(&lock_of(&installed)).unwrap().iter().count(), 2);
    }

    #[test]
    fn after_an_interrupted_upgrade_the_file_that_runs_and_the_new_one_are_accepted() {
        let directory = TempDir::new().unwrap();
        let replacement = replacement(&directory);
        let lock = lock_of(&replacement.installed);
        let mut pins = Pins::from_lock(&lock).unwrap();
        let pin = pins.find(&replacement.installed).unwrap().clone();
        pins.pin(Pin { sha256: Sha256::of(b"third"), next_sha256: Some(Sha256::of(b"old")), ..pin });
        pins.write_lock(&lock).unwrap();
        assert_eq!(accepted(&replacement.installed), [true, false, true]);
        replacement.accept_both().map(|_| ()).unwrap();
        assert_eq!(accepted(&replacement.installed), [true, true, false]);
    }

    #[test]
    fn a_file_that_cannot_be_renamed_leaves_the_lock_as_it_was() {
        let directory = TempDir::new().unwrap();
        let replacement = replacement(&directory);
        let (installed, lock) = (replacement.installed.clone(), lock_of(&replacement.installed));
        let before = fs::read(&lock).unwrap();
        fs::remove_file(replacement.staged.path()).unwrap();
        let error = replacement.commit().unwrap_err().to_string();
        assert!(error.contains("libapp.so: cannot be replaced"), "{error}");
        assert_eq!(fs::read(&lock).unwrap(), before);
        assert_eq!(fs::read(&installed).unwrap(), b"old");
    }

    #[test]
    fn a_plugin_that_was_pinned_again_meanwhile_is_not_replaced() {
        let directory = TempDir::new().unwrap();
        let replacement = replacement(&directory);
        let (installed, lock) = (replacement.installed.clone(), lock_of(&replacement.installed));
        let text = fs::read_to_string(&lock).unwrap();
        fs::write(&lock, text.replace(&Sha256::of(b"old").to_string(), &Sha256::of(b"third").to_string()))
            .unwrap();
        let error = replacement.commit().unwrap_err().to_string();
        assert!(error.contains("is not pinned any more"), "{error}");
        assert_eq!(accepted(&installed), [false, false, true]);
        assert_eq!(fs::read(&installed).unwrap(), b"old");
        // The staged file is not left behind.
        assert_eq!(fs::read_dir(directory.path().join("plugins")).unwrap().count(), 1);
    }
}
