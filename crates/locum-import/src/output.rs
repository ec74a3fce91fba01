//! Writes the folder: beside its place, read back, and renamed to its place. A failure leaves nothing.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use locum_store::tenant_file::{self, References};

use crate::{Import, printable};

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// Something is there already.
    #[error("{0} is not an empty folder; name a folder that does not exist or is empty with --out")]
    NotEmpty(PathBuf),
    /// The folder is not called by a name.
    #[error("{0} is not the name of a folder; name the one to write with --out, such as `tenant`")]
    NoName(PathBuf),
    /// The folder would be in one that does not exist.
    #[error("there is no folder {0} to write into; create it, or name another with --out")]
    NoParent(PathBuf),
    /// The system refuses.
    #[error("cannot write {path}: {error}")]
    System {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// What was written is not read as it was meant.
    #[error("the tenant file is not read as it was written, which is a fault of Locum: {}", printable(.0))]
    NotAsMeant(String),
}

/// Writes an import into a folder that does not exist or is empty. Only the user who runs this can read it.
///
/// # Errors
/// The folder is not empty, or the system refuses. Then the folder is as it was.
pub fn write(import: &Import, out: &Path) -> Result<(), OutputError> {
    // It is renamed to this name, and one that somebody works in would be taken from under them.
    if out.file_name().is_none() {
        return Err(OutputError::NoName(out.to_owned()));
    }
    if !is_free(out)? {
        return Err(OutputError::NotEmpty(out.to_owned()));
    }
    if let Some(parent) = out.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.exists()) {
        return Err(OutputError::NoParent(parent.to_owned()));
    }
    let beside = beside(out);
    create(&beside)?;
    let written = fill(import, &beside).and_then(|()| {
        // Onto an empty folder too; one that was filled meanwhile is an error of the system.
        fs::rename(&beside, out).map_err(|error| system(out, error))
    });
    if written.is_err() {
        // Nothing more can be done if this fails too.
        let _ = fs::remove_dir_all(&beside);
    }
    written
}

/// Creates a folder that is for its user alone. One that is there already belongs to somebody else.
fn create(folder: &Path) -> Result<(), OutputError> {
    DirBuilder::new().mode(0o700).create(folder).map_err(|error| system(folder, error))
}

fn is_free(out: &Path) -> Result<bool, OutputError> {
    match fs::symlink_metadata(out) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(system(out, error)),
        Ok(metadata) if !metadata.is_dir() => Ok(false),
        Ok(_) => Ok(fs::read_dir(out).map_err(|error| system(out, error))?.next().is_none()),
    }
}

/// A name in the same folder, so that renaming does not copy. The process's id keeps two imports apart.
fn beside(out: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(out.file_name().unwrap_or("import".as_ref()));
    name.push(format!(".{}", std::process::id()));
    out.with_file_name(name)
}

fn fill(import: &Import, folder: &Path) -> Result<(), OutputError> {
    for file in &import.files {
        let path = folder.join(&file.path);
        if let Some(parent) = path.parent().filter(|parent| !parent.exists()) {
            create(parent)?;
        }
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let written = opened.and_then(|mut opened| {
            opened.write_all(file.text.as_bytes())?;
            opened.sync_all()
        });
        written.map_err(|error| system(&path, error))?;
    }
    let path = folder.join(&import.report.tenant_file);
    let read = tenant_file::load(&path, &References::new(&|_| None, folder));
    match read {
        Ok(read) if read.data == import.data => Ok(()),
        Ok(_) => Err(OutputError::NotAsMeant("a value differs".to_owned())),
        Err(error) => Err(OutputError::NotAsMeant(error.to_string())),
    }
}

fn system(path: &Path, error: io::Error) -> OutputError {
    OutputError::System { path: path.to_owned(), error }
}
