//! The new file of an upgrade, beside the old one: on the same file system, so that a rename replaces the old one at once.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::loading::load_error::{LoadError, LoadErrorCode, LoadFault};
use crate::loading::plugin_file::{PluginFile, file_name};
use crate::sha256::Sha256;
use crate::upgrade::UpgradeError;

/// The extension of staged files. Plugin files have the extension `so`.
const EXTENSION: &str = "upgrade";

/// Whether a staged file can have this name: `.FILE.PROCESS.upgrade`.
pub(super) fn is_staged_name(path: &Path) -> bool {
    let name = file_name(path);
    name.starts_with('.') && path.extension().is_some_and(|extension| extension == EXTENSION)
}

/// A staged file. It is deleted when this is dropped, unless it has been renamed.
#[derive(Debug)]
pub struct StagedFile {
    path: PathBuf,
}

impl StagedFile {
    /// Copies a plugin file beside the installed one, completely, and lets everybody read it. It must have this SHA-256.
    ///
    /// # Errors
    /// The file cannot be read or has changed, or the copy cannot be written. No copy is left then.
    pub fn copy(source: &Path, sha256: Sha256, installed: &Path) -> Result<Self, UpgradeError> {
        let file = PluginFile::read(source)?;
        if file.sha256 != sha256 {
            return Err(changed(source).into());
        }
        let name = format!(".{}.{}.{EXTENSION}", file_name(installed), std::process::id());
        let path = installed.with_file_name(name);
        // Left over from a command that was killed and had the same number.
        let _ = fs::remove_file(&path);
        let mut copy = File::create_new(&path).map_err(|error| not_staged(&path, &error))?;
        let staged = Self { path };
        let written = copy
            .write_all(&file.bytes)
            .and_then(|()| copy.set_permissions(Permissions::from_mode(0o644)))
            .and_then(|()| copy.sync_all())
            .and_then(|()| sync_directory(&staged.path));
        match written {
            Ok(()) => Ok(staged),
            Err(error) => Err(not_staged(&staged.path, &error)),
        }
    }

    /// Takes a staged file over, if it can be one of this installed file.
    pub(super) fn adopt(path: &Path, installed: &Path) -> Option<Self> {
        (is_staged_name(path) && path.parent() == installed.parent()).then(|| Self { path: path.to_owned() })
    }

    /// Gives it the place of the installed file.
    pub(super) fn rename_to(self, installed: &Path) -> io::Result<()> {
        fs::rename(&self.path, installed)?;
        self.keep();
        Ok(())
    }

    /// Does not delete it any more: it has been renamed, or another process deletes it.
    pub fn keep(mut self) {
        self.path.clear();
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        // Fails if there is none any more.
        let _ = fs::remove_file(&self.path);
    }
}

/// Makes renames in the directory of this file durable.
pub(super) fn sync_directory(file: &Path) -> io::Result<()> {
    File::open(file.parent().unwrap_or(Path::new("/")))?.sync_all()
}

fn changed(source: &Path) -> LoadError {
    LoadFault::new(LoadErrorCode::PinMismatch, "the file has changed since it was shown").at(source)
}

fn not_staged(path: &Path, error: &io::Error) -> UpgradeError {
    UpgradeError::NotStaged { path: path.to_owned(), cause: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_are_never_loaded_are_staged_names() {
        for (name, staged) in [
            (".libapp.so.0.upgrade", true),
            (".x.upgrade", true),
            ("libapp.so.0.upgrade", false),
            (".libapp.so", false),
            ("libapp.so", false),
            (".upgrade", false),
            ("..", false),
            ("", false),
        ] {
            assert_eq!(is_staged_name(&Path::new("/p").join(name)), staged, "{name}");
        }
    }

    #[test]
    fn a_staged_file_is_one_beside_the_installed_file() {
        let adopted = |path: &str| {
            let staged = StagedFile::adopt(Path::new(path), Path::new("/p/libapp.so"));
            staged.is_some_and(|staged| staged.path() == Path::new(path))
        };
        assert!(adopted("/p/.libapp.so.0.upgrade"));
        assert!(!adopted("/q/.libapp.so.0.upgrade") && !adopted("/p/libother.so"));
    }
}
