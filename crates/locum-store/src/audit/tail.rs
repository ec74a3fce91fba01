//! The end of an existing audit file, from which its chain goes on.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;

/// How much of the file's end is read at first, in bytes. It is doubled until two line breaks are in it.
const WINDOW_BYTES: u64 = 64 * 1024;

/// Longest end of a file that is read, in bytes. No audit line is as long.
const WINDOW_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The end of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tail {
    /// The last line that has a line break, without it.
    pub(super) last_line: Option<Vec<u8>>,
    /// What follows it: an incomplete line.
    pub(super) fragment: Vec<u8>,
}

impl Tail {
    pub(super) fn read(file: &File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let mut window = WINDOW_BYTES.min(length);
        loop {
            let mut bytes = vec![0; usize::try_from(window).unwrap_or(usize::MAX)];
            file.read_exact_at(&mut bytes, length - window)?;
            let tail = Self::of(&bytes, window == length);
            if let Some(tail) = tail {
                return Ok(tail);
            }
            if window >= WINDOW_BYTES_MAX {
                return Err(io::Error::new(
                    ErrorKind::InvalidData,
                    "its last line is longer than any audit line",
                ));
            }
            window = window.saturating_mul(2).min(length);
        }
    }

    /// The tail of the file that ends with these bytes; `None` if more of them are needed.
    fn of(bytes: &[u8], is_whole_file: bool) -> Option<Self> {
        let mut parts = bytes.rsplitn(3, |byte| *byte == b'\n');
        let fragment = parts.next().unwrap_or_default().to_vec();
        let last_line = parts.next().map(<[u8]>::to_vec);
        let has_beginning = is_whole_file || parts.next().is_some();
        has_beginning.then_some(Self { last_line, fragment })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn tail(text: &str) -> (Option<String>, String) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let Tail { last_line, fragment } = Tail::read(&file).unwrap();
        (last_line.map(|line| String::from_utf8(line).unwrap()), String::from_utf8(fragment).unwrap())
    }

    #[test]
    fn the_last_complete_line_and_what_follows_it_are_found() {
        assert_eq!(tail(""), (None, String::new()));
        assert_eq!(tail("torn"), (None, "torn".to_owned()));
        assert_eq!(tail("one\n"), (Some("one".to_owned()), String::new()));
        assert_eq!(tail("one\ntwo\n"), (Some("two".to_owned()), String::new()));
        assert_eq!(tail("one\ntwo\nto"), (Some("two".to_owned()), "to".to_owned()));
    }

    #[test]
    fn a_line_longer_than_the_first_window_is_found() {
        let long = "x".repeat(200_000);
        assert_eq!(tail(&format!("one\n{long}\n")), (Some(long.clone()), String::new()));
        assert_eq!(tail(&format!("one\n{long}")), (Some("one".to_owned()), long));
    }

    #[test]
    fn a_file_without_line_breaks_is_not_read_for_ever() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(WINDOW_BYTES_MAX * 4).unwrap();
        assert_eq!(Tail::read(&file).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
