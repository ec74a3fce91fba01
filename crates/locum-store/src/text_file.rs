//! Reads text files that an operator wrote: only regular ones, only up to a limit, and never waiting.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;
use zeroize::Zeroizing;

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextFileError {
    /// The system refuses.
    #[error("{0}")]
    System(#[from] io::Error),
    /// The path is a directory, a pipe, a socket or a device.
    #[error("it is not a regular file")]
    NotAFile,
    /// The file is longer than the limit.
    #[error("it is larger than {0} bytes")]
    TooLarge(u64),
    /// The file is not text.
    #[error("it is not a text file in UTF-8")]
    NotText,
}

/// Reads a regular file of at most `bytes_max` bytes. The text is overwritten when it is dropped.
///
/// # Errors
/// If it is anything else, without waiting for a writer of a pipe.
pub fn read(path: &Path, bytes_max: u64) -> Result<Zeroizing<String>, TextFileError> {
    let file = open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(TextFileError::NotAFile);
    }
    if metadata.len() > bytes_max {
        return Err(TextFileError::TooLarge(bytes_max));
    }
    // One byte more than it should need, so that reading to the end does not move the text and leave a copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1));
    // The file may grow while it is read, so its metadata do not settle its size.
    file.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(TextFileError::TooLarge(bytes_max));
    }
    String::from_utf8(std::mem::take(&mut *bytes)).map(Zeroizing::new).map_err(|error| {
        drop(Zeroizing::new(error.into_bytes()));
        TextFileError::NotText
    })
}

fn open(path: &Path) -> io::Result<File> {
    // NONBLOCK: opening a pipe must not wait for a writer. NOCTTY: a terminal must not become this process's.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}
