//! Reads files of an export, and nothing outside of it.
//!
//! Each part of a path is opened by itself, beneath the one before, and never through a symbolic link: a path that was
//! checked as a text could lead elsewhere by the time it is opened.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::ImportError;
use crate::limits::{FILE_BYTES_MAX, FILES_MAX};

/// A folder whose files are read.
pub struct Folder {
    root: OwnedFd,
    /// The path by which it was named, for messages.
    shown: String,
}

impl Folder {
    /// Opens the folder of an export. The path itself may be a link: whoever runs the import has named it.
    ///
    /// # Errors
    /// There is no such folder.
    pub fn open(path: &Path) -> Result<Self, ImportError> {
        let shown = path.display().to_string();
        match rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
            Ok(root) => Ok(Self { root, shown }),
            Err(error) => Err(ImportError::file(shown, format!("cannot open the folder: {error}"))),
        }
    }

    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// The text of a file, by its path in the folder; `None` if there is no such file.
    pub(crate) fn text(&self, path: &str) -> Result<Option<String>, ImportError> {
        let refuse = |why: String| Err(ImportError::file(self.path(path), why));
        let parts = match parts(path) {
            Ok(parts) => parts,
            Err(why) => return refuse(why.to_owned()),
        };
        let Some((name, folders)) = parts.split_last() else { return refuse(NO_NAME.to_owned()) };
        let mut folder = None;
        for part in folders {
            match self.open_at(folder.as_ref(), part, OFlags::DIRECTORY) {
                Ok(Some(opened)) => folder = Some(opened),
                Ok(None) => return Ok(None),
                Err(why) => return refuse(why),
            }
        }
        // NONBLOCK: opening a pipe must not wait for a writer.
        match self.open_at(folder.as_ref(), name, OFlags::NONBLOCK | OFlags::NOCTTY) {
            Ok(Some(file)) => read(File::from(file)).map(Some).or_else(refuse),
            Ok(None) => Ok(None),
            Err(why) => refuse(why),
        }
    }

    /// The paths of the files in a folder of the export whose names end so, by name; `None` if there is no such folder.
    pub(crate) fn files(&self, folder: &str, ending: &str) -> Result<Option<Vec<String>>, ImportError> {
        let refuse = |why: String| Err(ImportError::file(self.path(folder), why));
        let opened = match self.open_at(None, folder, OFlags::DIRECTORY) {
            Ok(Some(opened)) => opened,
            Ok(None) => return Ok(None),
            Err(why) => return refuse(why),
        };
        let entries = match Dir::new(opened) {
            Ok(entries) => entries,
            Err(error) => return refuse(error.to_string()),
        };
        let mut files = Vec::new();
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return refuse(error.to_string()),
            };
            let Ok(name) = entry.file_name().to_str() else {
                return refuse(format!(
                    "the name of the file {:?} is not UTF-8; rename it",
                    entry.file_name()
                ));
            };
            if name.ends_with(ending) && entry.file_type() != FileType::Directory {
                files.push(format!("{folder}/{name}"));
            }
            if files.len() > FILES_MAX {
                return refuse(format!("it has more than {FILES_MAX} files"));
            }
        }
        files.sort_unstable();
        Ok(Some(files))
    }

    fn path(&self, path: &str) -> String {
        format!("{}/{path}", self.shown.trim_end_matches('/'))
    }

    fn open_at(&self, folder: Option<&OwnedFd>, name: &str, kind: OFlags) -> Result<Option<OwnedFd>, String> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | kind;
        match rustix::fs::openat(folder.unwrap_or(&self.root), name, flags, Mode::empty()) {
            Ok(opened) => Ok(Some(opened)),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::LOOP) => Err(LINK.to_owned()),
            // With DIRECTORY, a link is reported as not being a directory.
            Err(Errno::NOTDIR) => {
                Err("it is not a folder, or it is a symbolic link; links are not followed".to_owned())
            }
            Err(error) => Err(format!("cannot read it: {error}")),
        }
    }
}

const LINK: &str = "it is a symbolic link; links are not followed, so put the file itself here";
const NO_NAME: &str = "the path names no file";

/// The parts of a path within the folder.
fn parts(path: &str) -> Result<Vec<&str>, &'static str> {
    if path.starts_with(['/', '\\']) || path.contains('\0') {
        return Err("the path leads out of the export; only files in the export are read");
    }
    let mut parts = Vec::new();
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => return Err("the path leads out of the export; only files in the export are read"),
            part => parts.push(part),
        }
    }
    Ok(parts)
}

fn read(file: File) -> Result<String, String> {
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("it is larger than {FILE_BYTES_MAX} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "it is not a text file in UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_within_the_folder_is_split_at_both_kinds_of_slashes() {
        assert_eq!(parts("./rules/a.js"), Ok(vec!["rules", "a.js"]));
        assert_eq!(parts(".\\rules\\a.js"), Ok(vec!["rules", "a.js"]));
        assert_eq!(parts("a..b/..c"), Ok(vec!["a..b", "..c"]));
    }

    #[test]
    fn a_path_that_could_lead_out_is_refused() {
        for path in ["/etc/passwd", "\\etc", "..", "rules/../../x", "rules\\..\\..\\x", "a\0b"] {
            assert!(parts(path).is_err(), "{path}");
        }
    }
}
