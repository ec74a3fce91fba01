//! Where lines go: a file, a Unix socket, or standard error.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;

use super::chain::{Head, hex, sha256};
use super::line::Incident;
use super::tail::Tail;

/// Where an audit log is written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Destination {
    /// This regular file, which is created with mode 0600 and only ever appended to. A character device such as
    /// `/dev/null` is taken too; a symbolic link, FIFO or block device is not.
    File(PathBuf),
    /// The Unix stream socket at this path. It is connected to again when its reader closes it.
    Socket(PathBuf),
    /// Standard error, as it is when the log is opened: a later `dup2` does not change it.
    StandardError,
}

/// Why an audit log cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{}{problem}", at.as_ref().map(|at| format!("{}: ", at.display())).unwrap_or_default())]
pub struct OpenError {
    at: Option<PathBuf>,
    problem: String,
}

impl OpenError {
    pub(super) fn new(at: Option<&Path>, problem: impl Into<String>) -> Self {
        Self { at: at.map(Path::to_owned), problem: problem.into() }
    }
}

/// How long one write to a socket may wait for its reader.
const SOCKET_WRITE_MAX: Duration = Duration::from_millis(200);

/// A destination that is open, and from where its chain goes on.
pub(super) struct Opened {
    pub(super) output: Output,
    pub(super) head: Head,
    /// The file ends in an incomplete line.
    pub(super) torn: Option<Incident>,
    /// A line break has to be written before the first line.
    pub(super) unended: bool,
}

/// What is written to.
#[derive(Debug)]
pub(super) enum Output {
    File(File),
    Socket(Option<UnixStream>),
}

impl Destination {
    pub(super) fn open(&self) -> Result<Opened, OpenError> {
        let fresh = |output| Opened { output, head: Head::START, torn: None, unended: false };
        match self {
            Self::File(path) => open_file(path),
            Self::Socket(path) => {
                let stream = connect(path).map_err(|error| {
                    OpenError::new(
                        Some(path),
                        format!("cannot connect to the audit socket: {error}; start its reader first"),
                    )
                })?;
                Ok(fresh(Output::Socket(Some(stream))))
            }
            Self::StandardError => {
                let own = io::stderr().as_fd().try_clone_to_owned().map_err(|error| {
                    OpenError::new(None, format!("cannot write the audit log to standard error: {error}"))
                })?;
                Ok(fresh(Output::File(File::from(own))))
            }
        }
    }

    /// Opens the file anew after it was moved away, and says whether lines go elsewhere now.
    ///
    /// A file that has lines already must end with the chain's head; otherwise the output stays as it is.
    pub(super) fn reopen(&self, output: &mut Output, head: Head) -> Result<bool, OpenError> {
        match (self, output) {
            (Self::File(path), Output::File(current)) => {
                let same = |file: &File| Some((file.metadata().ok()?.dev(), file.metadata().ok()?.ino()));
                let file = open_for_append(path)?;
                if same(&file) == same(current) {
                    return Ok(false);
                }
                let is_regular = file.metadata().is_ok_and(|metadata| metadata.is_file());
                let opened = prepare(path, file)?;
                let is_other_chain = opened.head != Head::START && opened.head != head;
                if is_regular && (is_other_chain || opened.unended) {
                    return Err(OpenError::new(
                        Some(path),
                        "the file holds lines of another chain; move it away",
                    ));
                }
                if let Output::File(file) = opened.output {
                    *current = file;
                }
                Ok(true)
            }
            (Self::Socket(_), Output::Socket(stream)) => {
                *stream = None;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

fn open_file(path: &Path) -> Result<Opened, OpenError> {
    prepare(path, open_for_append(path)?)
}

fn open_for_append(path: &Path) -> Result<File, OpenError> {
    // NONBLOCK: opening a FIFO without a reader would wait for one. The standard library adds CLOEXEC.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(|error| {
            let remedy = "name a file in a directory that this user can write, and no symbolic link";
            OpenError::new(Some(path), format!("cannot open the audit file: {error}; {remedy}"))
        })
}

/// Finds the end of the chain in a file. Two processes that wrote the same file would break its chain, hence the lock.
fn prepare(path: &Path, file: File) -> Result<Opened, OpenError> {
    let fault = |problem: String| OpenError::new(Some(path), problem);
    let file_type = file.metadata().map_err(|error| fault(error.to_string()))?.file_type();
    if file_type.is_char_device() {
        return Ok(Opened { output: Output::File(file), head: Head::START, torn: None, unended: false });
    }
    if !file_type.is_file() {
        return Err(fault("this is not a file; name a regular file".to_owned()));
    }
    file.try_lock().map_err(|error| match error {
        std::fs::TryLockError::WouldBlock => {
            fault("another process writes this audit file; give each server a file of its own".to_owned())
        }
        std::fs::TryLockError::Error(error) => fault(format!("cannot lock the audit file: {error}")),
    })?;
    let Tail { last_line, fragment } = Tail::read(&file).map_err(|error| {
        fault(format!("cannot read the end of the audit file: {error}; move the file away"))
    })?;
    let head = match last_line {
        None => Head::START,
        Some(line) => Head::of_line(&line)
            .ok_or_else(|| fault("its last line is not an audit line; move the file away".to_owned()))?,
    };
    let unended = !fragment.is_empty();
    let (head, torn) = match head.continued_by(&fragment) {
        // Only its line break is missing.
        Some(head) => (head, None),
        None if unended => {
            let torn_sha256 = hex(&sha256(&fragment));
            (head, Some(Incident::TornLine { torn_bytes: fragment.len(), torn_sha256 }))
        }
        None => (head, None),
    };
    Ok(Opened { output: Output::File(file), head, torn, unended })
}

fn connect(path: &Path) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(path)?;
    stream.set_write_timeout(Some(SOCKET_WRITE_MAX))?;
    Ok(stream)
}

/// Why bytes were not written.
pub(super) struct WriteFault {
    pub(super) error: io::Error,
    /// Whether the next write goes to a new reader, who needs whole lines.
    pub(super) new_reader: bool,
}

impl Output {
    /// Writes as much as can be written at once. It may block, so only the writing thread calls it.
    pub(super) fn write(&mut self, destination: &Destination, bytes: &[u8]) -> Result<usize, WriteFault> {
        let keep = |error| WriteFault { error, new_reader: false };
        match self {
            Self::File(file) => file.write(bytes).and_then(at_least_one).map_err(keep),
            Self::Socket(slot) => {
                if slot.is_none()
                    && let Destination::Socket(path) = destination
                {
                    *slot = Some(connect(path).map_err(keep)?);
                }
                let Some(stream) = slot else {
                    return Err(keep(io::ErrorKind::NotConnected.into()));
                };
                stream.write(bytes).and_then(at_least_one).map_err(|error| {
                    let stalled = matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
                    let interrupted = error.kind() == io::ErrorKind::Interrupted;
                    if !stalled && !interrupted {
                        *slot = None;
                    }
                    WriteFault { error, new_reader: !stalled && !interrupted }
                })
            }
        }
    }
}

fn at_least_one(written: usize) -> io::Result<usize> {
    if written == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(written) }
}
