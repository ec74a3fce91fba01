//! Finds plugin files and reads one: once, completely, and only if it is a regular file within the size limit.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::limits::PLUGIN_FILE_BYTES_MAX;
use crate::loading::load_error::{LoadError, LoadErrorCode, LoadFault};
use crate::loading::regular_file::{self, Links, NotRead};
use crate::sha256::Sha256;

/// The plugin files of a directory: those with the extension `.so`, sorted by path.
///
/// # Errors
/// [`LoadErrorCode::DirectoryUnreadable`] if the directory cannot be listed.
pub fn plugin_files(directory: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let unreadable = |error: std::io::Error| {
        LoadFault::new(LoadErrorCode::DirectoryUnreadable, error.to_string()).at(directory)
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "so") {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// The bytes of a file and their hash. All later steps use these bytes; the file is not opened again.
pub(crate) struct PluginFile {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
    pub(crate) sha256: Sha256,
}

impl PluginFile {
    pub(crate) fn read(path: &Path) -> Result<Self, LoadError> {
        let bytes = read(path).map_err(|fault| fault.at(path))?;
        let sha256 = Sha256::of(&bytes);
        Ok(Self { path: path.to_owned(), bytes, sha256 })
    }

    /// The file's name without directories, as a pin states it.
    pub(crate) fn file_name(&self) -> String {
        file_name(&self.path)
    }
}

pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn read(path: &Path) -> Result<Vec<u8>, LoadFault> {
    if !path.is_absolute() {
        return Err(LoadFault::new(LoadErrorCode::RelativePath, "the path is not absolute"));
    }
    regular_file::read(path, Links::Refuse, PLUGIN_FILE_BYTES_MAX).map_err(|not_read| {
        let code = match &not_read {
            NotRead::SymbolicLink => LoadErrorCode::SymbolicLink,
            NotRead::NotAFile => LoadErrorCode::NotAFile,
            NotRead::TooLarge => {
                let cause = format!("the file is larger than {} MiB", PLUGIN_FILE_BYTES_MAX >> 20);
                return LoadFault::new(LoadErrorCode::TooLarge, cause);
            }
            NotRead::Io(error) => match error.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory => LoadErrorCode::NotFound,
                _ => LoadErrorCode::Unreadable,
            },
        };
        LoadFault::new(code, not_read.to_string())
    })
}
