//! Why a plugin was not loaded: one type, with a code for programs, a cause and a remedy for people.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::sha256::Sha256;

/// Why a plugin was not loaded, and what to do next.
///
/// Prints at most three lines: the file and the cause, both hashes if they differ, the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadError {
    /// Which of the things that can go wrong this is.
    pub code: LoadErrorCode,
    /// The file or directory it is about.
    pub path: PathBuf,
    /// What was found.
    pub cause: String,
    /// The two hashes of a [`LoadErrorCode::PinMismatch`].
    pub hashes: Option<HashMismatch>,
}

/// The hash that was promised and the one that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashMismatch {
    /// What the pin says.
    pub pinned: Sha256,
    /// What the file says.
    pub found: Sha256,
}

/// The things that can go wrong, in the order in which loading meets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoadErrorCode {
    /// The lock file cannot be read, understood or written.
    LockUnusable,
    /// The plugins directory cannot be listed.
    DirectoryUnreadable,
    /// The path is not absolute; the loader of the system would search for it.
    RelativePath,
    /// There is no such file.
    NotFound,
    /// The path is a symbolic link.
    SymbolicLink,
    /// The path is a directory, a device or a pipe.
    NotAFile,
    /// The file cannot be read.
    Unreadable,
    /// The file is larger than any plugin.
    TooLarge,
    /// No pin names this file.
    NotPinned,
    /// The file is not the one that was pinned.
    PinMismatch,
    /// The file is not an ELF shared object.
    NotASharedObject,
    /// The file is made for another machine.
    WrongArchitecture,
    /// The file ends before its parts do, or contradicts itself.
    Damaged,
    /// A shared object, but without manifest or entry.
    NotAPlugin,
    /// The manifest cannot be read.
    ManifestUnreadable,
    /// The plugin was built for a later contract.
    ContractUnknown,
    /// The manifest promises what this host cannot hold it to.
    ManifestUnusable,
    /// The system gives no memory that can be executed.
    MappingRefused,
    /// The system's loader refuses the file.
    LoaderRefused,
    /// The binary surface is not the one of this host.
    AbiMismatch,
    /// The code states another manifest than the file.
    ManifestMismatch,
    /// Another plugin has the same name.
    NameTaken,
    /// Another plugin serves the same api_type.
    ApiTypeTaken,
}

impl LoadErrorCode {
    /// All codes.
    pub const ALL: [Self; 23] = [
        Self::LockUnusable,
        Self::DirectoryUnreadable,
        Self::RelativePath,
        Self::NotFound,
        Self::SymbolicLink,
        Self::NotAFile,
        Self::Unreadable,
        Self::TooLarge,
        Self::NotPinned,
        Self::PinMismatch,
        Self::NotASharedObject,
        Self::WrongArchitecture,
        Self::Damaged,
        Self::NotAPlugin,
        Self::ManifestUnreadable,
        Self::ContractUnknown,
        Self::ManifestUnusable,
        Self::MappingRefused,
        Self::LoaderRefused,
        Self::AbiMismatch,
        Self::ManifestMismatch,
        Self::NameTaken,
        Self::ApiTypeTaken,
    ];

    /// The code as a word that does not change.
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// The table: code and remedy. `FILE` stands for the path.
    const fn row(self) -> (&'static str, &'static str) {
        match self {
            Self::LockUnusable => {
                ("lock-unusable", "repair the lock file or write it anew with `locum plugin pin`")
            }
            Self::DirectoryUnreadable => ("directory-unreadable", "check the directory's name and rights"),
            Self::RelativePath => ("relative-path", "name the file by its absolute path"),
            Self::NotFound => ("not-found", "check the path"),
            Self::SymbolicLink => ("symbolic-link", "name the file that the link leads to"),
            Self::NotAFile => ("not-a-file", "name a plugin file"),
            Self::Unreadable => ("unreadable", "check the rights of the file"),
            Self::TooLarge => ("too-large", "build it in release mode and strip it"),
            Self::NotPinned => ("not-pinned", "if you trust the file, run `locum plugin pin FILE`"),
            Self::PinMismatch => (
                "pin-mismatch",
                "if the change was meant, run `locum plugin pin FILE`; if not, find out who made it",
            ),
            Self::NotASharedObject => {
                ("not-a-shared-object", "build the plugin as a `cdylib` and name that file")
            }
            Self::WrongArchitecture => ("wrong-architecture", "build the plugin for this machine"),
            Self::Damaged => ("damaged", "copy or build the file again"),
            Self::NotAPlugin => ("not-a-plugin", "export it with `locum_plugin::export_plugin!`"),
            Self::ManifestUnreadable => {
                ("manifest-unreadable", "build the plugin again with its `manifest.json`")
            }
            Self::ContractUnknown => {
                ("contract-unknown", "update Locum, or build the plugin with an older SDK")
            }
            Self::ManifestUnusable => {
                ("manifest-unusable", "correct the plugin, or update Locum if the plugin is newer")
            }
            Self::MappingRefused => {
                ("mapping-refused", "allow executable memfds: `sysctl vm.memfd_noexec` must be below 2")
            }
            Self::LoaderRefused => (
                "loader-refused",
                "build the plugin on a system no newer than this one, with the libraries found here",
            ),
            Self::AbiMismatch => ("abi-mismatch", "build the plugin with the SDK of this release"),
            Self::ManifestMismatch => {
                ("manifest-mismatch", "run the plugin's tests with `LOCUM_BLESS=1` and build it again")
            }
            Self::NameTaken => ("name-taken", "remove one of the two files"),
            Self::ApiTypeTaken => ("api-type-taken", "remove one of the two plugins"),
        }
    }
}

impl fmt::Display for LoadErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} ({})", self.path.display(), self.cause, self.code)?;
        if let Some(HashMismatch { pinned, found }) = self.hashes {
            writeln!(f, "pinned sha256 {pinned}, found {found}")?;
        }
        f.write_str(&self.remedy())
    }
}

impl std::error::Error for LoadError {}

impl LoadError {
    /// What to do next.
    pub fn remedy(&self) -> String {
        self.code.row().1.replace("FILE", &self.path.display().to_string())
    }
}

/// What is wrong with a file, before it is said which file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub(crate) code: LoadErrorCode,
    pub(crate) cause: String,
}

impl Flaw {
    pub(crate) fn new(code: LoadErrorCode, cause: impl Into<String>) -> Self {
        Self { code, cause: cause.into() }
    }

    /// The flaw of this file or directory.
    pub(crate) fn of(self, path: &Path) -> LoadError {
        LoadError { code: self.code, path: path.to_owned(), cause: one_line(&self.cause), hashes: None }
    }
}

/// The first three lines that say something, joined. Those of a surface mismatch have up to 40 KB.
fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).take(3).collect();
    crate::untrusted::cleaned(&lines.join("; "), 300)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_word_of_its_own_and_a_remedy() {
        let mut words: Vec<&str> = LoadErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert!(LoadErrorCode::ALL.iter().all(|code| !code.row().1.is_empty()));
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), LoadErrorCode::ALL.len());
    }

    #[test]
    fn three_lines_are_enough_whatever_the_cause() {
        let mut error = Flaw::new(LoadErrorCode::PinMismatch, "a\n\n b\nc\nd").of(Path::new("/p/x.so"));
        error.hashes = Some(HashMismatch { pinned: Sha256::of(b"a"), found: Sha256::of(b"b") });
        let text = error.to_string();
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.starts_with("/p/x.so: a; b; c (pin-mismatch)\npinned sha256 ca978112"), "{text}");
        assert!(text.contains("`locum plugin pin /p/x.so`"), "{text}");
    }
}
