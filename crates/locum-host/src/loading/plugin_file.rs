//! Finds plugin files and reads one: once, completely, and only if it is a regular file within the size limit.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;

use crate::limits::PLUGIN_FILE_BYTES_MAX;
use crate::loading::load_error::{LoadError, LoadErrorCode, LoadFault};
use crate::loading::sha256::Sha256;

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
    // NONBLOCK: opening a pipe must not wait for a writer.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = File::from(open(path, flags, Mode::empty()).map_err(not_opened)?);
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(LoadFault::new(LoadErrorCode::NotAFile, "the path is not a regular file"));
    }
    let mut bytes = Vec::with_capacity(metadata.len().min(PLUGIN_FILE_BYTES_MAX) as usize);
    // The file may grow while it is read, so its metadata do not settle its size.
    file.take(PLUGIN_FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > PLUGIN_FILE_BYTES_MAX {
        let cause = format!("the file is larger than {} MiB", PLUGIN_FILE_BYTES_MAX >> 20);
        return Err(LoadFault::new(LoadErrorCode::TooLarge, cause));
    }
    Ok(bytes)
}

fn not_opened(errno: Errno) -> LoadFault {
    match errno {
        Errno::LOOP => LoadFault::new(LoadErrorCode::SymbolicLink, "the path is a symbolic link"),
        errno => unreadable(errno.into()),
    }
}

fn unreadable(error: std::io::Error) -> LoadFault {
    let code = match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => LoadErrorCode::NotFound,
        _ => LoadErrorCode::Unreadable,
    };
    LoadFault::new(code, error.to_string())
}
