//! Checks the chain of audit files.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::chain::{Head, Link, hex, sha256};

/// Longest line that is read, in bytes.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A file whose chain is unbroken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileCheck {
    /// The file.
    pub path: PathBuf,
    /// The line before its first line: zeros where the chain begins in this file.
    pub after: Head,
    /// Its last line.
    pub head: Head,
    /// Incomplete lines that a later line reports.
    pub torn_lines: u64,
    /// How many bytes follow the last line break: a line that is being written, or that was cut off.
    pub unfinished_bytes: usize,
}

/// The first line that breaks a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainBreak {
    /// The file.
    pub path: PathBuf,
    /// The line's number in the file, from 1.
    pub line: u64,
    /// What the line should be.
    pub expected: String,
    /// What it is.
    pub found: String,
}

/// Why files are not the chain that they should be.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A file cannot be read.
    #[error("{}: cannot read the audit file: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A line breaks the chain.
    #[error("{0}")]
    Broken(ChainBreak),
    /// The files do not contain the line that `known` says.
    #[error("no line of these files is the known head {known}: the chain was cut off or written anew")]
    HeadMissing {
        /// The head that was kept elsewhere.
        known: Head,
    },
}

impl fmt::Display for ChainBreak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, expected, found } = self;
        write!(f, "{}:{line}: the chain breaks here: expected {expected}, found {found}", path.display())
    }
}

/// Checks that these files, oldest first, are one unbroken chain, and that each of the known heads is a line of it. The
/// first file may begin in the middle of a chain, since older files may be gone.
///
/// The last line of the last file has no successor that proves it: only a known head does.
///
/// # Errors
/// The first fault.
pub fn verify<P: AsRef<Path>>(files: &[P], known: &[Head]) -> Result<Vec<FileCheck>, VerifyError> {
    let mut checks: Vec<FileCheck> = Vec::new();
    let mut missing = known.to_vec();
    for path in files {
        let path = path.as_ref();
        let before = checks.last().map(|check| check.head);
        checks.push(verify_file(path, before, &mut missing)?);
    }
    match missing.first() {
        Some(known) => Err(VerifyError::HeadMissing { known: *known }),
        None => Ok(checks),
    }
}

fn verify_file(path: &Path, before: Option<Head>, missing: &mut Vec<Head>) -> Result<FileCheck, VerifyError> {
    let unreadable = |error| VerifyError::Unreadable { path: path.to_owned(), error };
    let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
    let mut chain = FileChain { after: before, head: before, torn: None, torn_lines: 0 };
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        file.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line).map_err(unreadable)?;
        number += 1;
        if line.pop_if(|last| *last == b'\n').is_none() {
            break;
        }
        let taken = chain.take(number, &line);
        taken.map_err(|(line, expected, found)| {
            VerifyError::Broken(ChainBreak { path: path.to_owned(), line, expected, found })
        })?;
        missing.retain(|known| chain.head != Some(*known) && chain.after != Some(*known));
    }
    if let Some(Torn { line, .. }) = chain.torn.take() {
        let (expected, found) = (chain.expected(), NOT_AN_AUDIT_LINE.to_owned());
        return Err(VerifyError::Broken(ChainBreak { path: path.to_owned(), line, expected, found }));
    }
    let (after, head) = (chain.after.unwrap_or(Head::START), chain.head.unwrap_or(Head::START));
    let torn_lines = chain.torn_lines;
    Ok(FileCheck { path: path.to_owned(), after, head, torn_lines, unfinished_bytes: line.len() })
}

/// The lines of one file so far.
struct FileChain {
    after: Option<Head>,
    head: Option<Head>,
    /// A line that is no link, and must be reported by the next one.
    torn: Option<Torn>,
    torn_lines: u64,
}

struct Torn {
    line: u64,
    sha256: [u8; 32],
}

impl FileChain {
    /// Takes the next line; an error says which line breaks the chain, what was expected and what found.
    fn take(&mut self, number: u64, line: &[u8]) -> Result<(), (u64, String, String)> {
        let link = Link::of(line).filter(|link| self.follows(link));
        match (link, self.torn.take()) {
            (Some(link), torn) => {
                if link.torn != torn.as_ref().map(|torn| torn.sha256) {
                    let line = torn.map_or(number, |torn| torn.line);
                    let expected = "an audit line, or a fragment that the next line reports".to_owned();
                    return Err((line, expected, "a text that no line reports".to_owned()));
                }
                self.torn_lines += u64::from(torn.is_some());
                let before = Head { seq: link.seq.saturating_sub(1), sha256: link.prev };
                self.after.get_or_insert(before);
                self.head = Some(Head { seq: link.seq, sha256: sha256(line) });
                Ok(())
            }
            (None, None) if self.may_be_torn(line) => {
                self.torn = Some(Torn { line: number, sha256: sha256(line) });
                Ok(())
            }
            (None, Some(torn)) => Err((torn.line, self.expected(), NOT_AN_AUDIT_LINE.to_owned())),
            (None, None) => Err((number, self.expected(), found(line))),
        }
    }

    fn follows(&self, link: &Link) -> bool {
        match self.head {
            Some(head) => link.seq == head.seq + 1 && link.prev == head.sha256,
            // The first line of the first file. A chain begins with line 1, after zeros.
            None => link.seq > 0 && (link.seq == 1) == (link.prev == Head::START.sha256),
        }
    }

    /// A fragment is not an audit line of any chain.
    fn may_be_torn(&self, line: &[u8]) -> bool {
        Link::of(line).is_none()
    }

    fn expected(&self) -> String {
        match self.head {
            Some(head) => format!("seq {} with prev {}", head.seq + 1, head.hex()),
            None => "an audit line; the one with seq 1 has a prev of zeros".to_owned(),
        }
    }
}

const NOT_AN_AUDIT_LINE: &str = "a text that is not an audit line";

fn found(line: &[u8]) -> String {
    match Link::of(line) {
        Some(link) => format!("seq {} with prev {}", link.seq, hex(&link.prev)),
        None => NOT_AN_AUDIT_LINE.to_owned(),
    }
}
