//! Reads a file that an operator named: at once, completely and within a limit, whatever is at its path.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;

/// Whether a symbolic link may be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    Follow,
    Refuse,
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRead {
    #[error("the path is a symbolic link")]
    SymbolicLink,
    #[error("the path is not a regular file")]
    NotAFile,
    #[error("the file is larger than the limit")]
    TooLarge,
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Reads at most this many bytes of a regular file.
pub(crate) fn read(path: &Path, links: Links, bytes_max: u64) -> Result<Vec<u8>, NotRead> {
    // NONBLOCK: opening a pipe must not wait for a writer. It changes nothing for regular files.
    let mut flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    if links == Links::Refuse {
        flags |= OFlags::NOFOLLOW;
    }
    let file = match open(path, flags, Mode::empty()) {
        Err(Errno::LOOP) if links == Links::Refuse => return Err(NotRead::SymbolicLink),
        opened => File::from(opened.map_err(io::Error::from)?),
    };
    // The opened file and not its path, which may be another one by now.
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(NotRead::NotAFile);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len().min(bytes_max)).unwrap_or(0));
    // The file may grow while it is read, so its metadata do not settle its size.
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(NotRead::TooLarge);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_to_itself_is_named_as_a_link_only_where_links_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("loop");
        symlink(&path, &path).unwrap();
        assert!(matches!(read(&path, Links::Refuse, 10), Err(NotRead::SymbolicLink)));
        assert!(matches!(read(&path, Links::Follow, 10), Err(NotRead::Io(_))));
    }

    #[test]
    fn a_file_has_a_largest_size() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, b"ten bytes.").unwrap();
        assert_eq!(read(&path, Links::Refuse, 10).unwrap(), b"ten bytes.");
        assert!(matches!(read(&path, Links::Refuse, 9), Err(NotRead::TooLarge)));
        assert!(matches!(read(directory.path(), Links::Refuse, 9), Err(NotRead::NotAFile)));
    }
}
