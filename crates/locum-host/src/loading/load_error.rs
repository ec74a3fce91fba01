//! The error of loading: a stable code for programs, a cause and a remedy for people.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::sha256::Sha256;

/// Why a plugin was not loaded, and what to do next.
///
/// Displays as two or three lines: the path with cause and code, both hashes if the pin does not match, the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadError {
    /// The kind of error, for programs.
    pub code: LoadErrorCode,
    /// The file or directory at fault.
    pub path: PathBuf,
    /// What is wrong with it, for people.
    pub cause: String,
    /// Both hashes, if the code is [`LoadErrorCode::PinMismatch`].
    pub hashes: Option<HashMismatch>,
}

/// The hash of a pin and the hash of the file, which should be equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashMismatch {
    /// The hash in the pin.
    pub pinned: Sha256,
    /// The hash of the file as it is now.
    pub found: Sha256,
}

/// The kinds of load errors, in the order in which loading checks for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoadErrorCode {
    /// The lock file cannot be read, parsed or written.
    LockUnusable,
    /// The plugins directory cannot be listed.
    DirectoryUnreadable,
    /// The path is not absolute; the system's loader would search its own directories for it.
    RelativePath,
    /// There is no such file.
    NotFound,
    /// The path is a symbolic link.
    SymbolicLink,
    /// The path is a directory, a device or a pipe.
    NotAFile,
    /// The file cannot be read.
    Unreadable,
    /// The file is larger than [`PLUGIN_FILE_BYTES_MAX`](crate::limits::PLUGIN_FILE_BYTES_MAX).
    TooLarge,
    /// No pin exists for this file.
    NotPinned,
    /// The file's SHA-256 differs from its pin.
    PinMismatch,
    /// The file is not an ELF shared object.
    NotASharedObject,
    /// The file is built for another architecture.
    WrongArchitecture,
    /// The file is truncated or its headers contradict each other.
    Damaged,
    /// The file has memory that is both writable and executable: a segment, the stack, or code with relocations.
    WritableAndExecutable,
    /// The file needs a library that no pin covers.
    LibraryNotAllowed,
    /// The file gives the system's loader an instruction that plugins may not give, such as where to search libraries.
    LoaderDirective,
    /// A shared object without a manifest or without the exported entry.
    NotAPlugin,
    /// The manifest cannot be parsed.
    ManifestUnreadable,
    /// The plugin needs a newer version of the contract.
    ContractUnknown,
    /// The manifest declares something that this host cannot enforce.
    ManifestUnusable,
    /// The manifest asks for the tenant's private key, and the pin does not give it.
    TenantKeyNotGiven,
    /// The system provides no executable memory.
    MappingRefused,
    /// The system's dynamic loader refuses the file.
    LoaderRefused,
    /// The plugin's binary interface differs from this host's.
    AbiMismatch,
    /// The running code states a different manifest than the file.
    ManifestMismatch,
    /// The plugin is pinned to run in a process of its own, and this program or system cannot give it one.
    RunnerUnavailable,
    /// The plugin's own process ended, or did not answer, before it was ready.
    RunnerFailed,
    /// Another loaded plugin has the same name.
    NameTaken,
    /// Another loaded plugin serves the same api_type.
    ApiTypeTaken,
}

impl LoadErrorCode {
    /// All codes.
    pub const ALL: [Self; 29] = [
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
        Self::WritableAndExecutable,
        Self::LibraryNotAllowed,
        Self::LoaderDirective,
        Self::NotAPlugin,
        Self::ManifestUnreadable,
        Self::ContractUnknown,
        Self::ManifestUnusable,
        Self::TenantKeyNotGiven,
        Self::MappingRefused,
        Self::LoaderRefused,
        Self::AbiMismatch,
        Self::ManifestMismatch,
        Self::RunnerUnavailable,
        Self::RunnerFailed,
        Self::NameTaken,
        Self::ApiTypeTaken,
    ];

    /// The code as text. It never changes, so programs may compare it.
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// The table of codes and remedies. `FILE` is replaced by the path.
    const fn row(self) -> (&'static str, &'static str) {
        match self {
            Self::LockUnusable => (
                "lock-unusable",
                "correct the lock file, or delete it and pin each plugin with `locum plugin pin`",
            ),
            Self::DirectoryUnreadable => {
                ("directory-unreadable", "check that the directory exists and that this user may list it")
            }
            Self::RelativePath => ("relative-path", "give the absolute path of the file"),
            Self::NotFound => ("not-found", "check that the path is correct and the file exists"),
            Self::SymbolicLink => ("symbolic-link", "give the path of the file that the link points to"),
            Self::NotAFile => ("not-a-file", "give the path of a plugin file"),
            Self::Unreadable => ("unreadable", "allow this user to read the file"),
            Self::TooLarge => ("too-large", "build the plugin in release mode and strip it"),
            Self::NotPinned => ("not-pinned", "if you trust the file, run `locum plugin pin FILE`"),
            Self::PinMismatch => (
                "pin-mismatch",
                "if you expected the change, run `locum plugin pin FILE`; if not, find out who changed the file",
            ),
            Self::NotASharedObject => (
                "not-a-shared-object",
                "build the plugin with `crate-type = [\"cdylib\"]` and give the path of its `.so` file",
            ),
            Self::WrongArchitecture => {
                ("wrong-architecture", "build the plugin for the architecture of this machine")
            }
            Self::Damaged => ("damaged", "copy the file again, or build it again"),
            Self::WritableAndExecutable => (
                "writable-and-executable",
                "link the plugin with `-z noexecstack`, and its C and assembler parts as position-independent code",
            ),
            Self::LibraryNotAllowed => (
                "library-not-allowed",
                "link the library statically into the plugin; only the C library and libgcc_s may be shared",
            ),
            Self::LoaderDirective => (
                "loader-directive",
                "build the plugin without RPATH, RUNPATH, audit and filter options of the linker",
            ),
            Self::NotAPlugin => {
                ("not-a-plugin", "export the plugin with `locum_plugin::export_plugin!` and build it again")
            }
            Self::ManifestUnreadable => (
                "manifest-unreadable",
                "run the plugin's tests with `LOCUM_BLESS=1` to write its `manifest.json`, then build it again",
            ),
            Self::ContractUnknown => {
                ("contract-unknown", "update Locum, or build the plugin with an older version of the SDK")
            }
            Self::ManifestUnusable => (
                "manifest-unusable",
                "correct the plugin's manifest; if the plugin is newer than this Locum, update Locum",
            ),
            Self::TenantKeyNotGiven => (
                "tenant-key-not-given",
                "build the plugin with a current SDK, whose plugins need no private key; if you trust the file with the key, run `locum plugin pin --in-process --give-tenant-key FILE`",
            ),
            Self::MappingRefused => {
                ("mapping-refused", "allow executable memfds: set `sysctl vm.memfd_noexec` to 0 or 1")
            }
            Self::LoaderRefused => (
                "loader-refused",
                "install the libraries that the plugin needs, or build it on a system no newer than this one",
            ),
            Self::AbiMismatch => ("abi-mismatch", "build the plugin with the SDK of this Locum release"),
            Self::ManifestMismatch => {
                ("manifest-mismatch", "run the plugin's tests with `LOCUM_BLESS=1`, then build it again")
            }
            Self::RunnerUnavailable => (
                "runner-unavailable",
                "provide what is missing; or, if you trust the file like Locum itself, run `locum plugin pin --in-process FILE`",
            ),
            Self::RunnerFailed => (
                "runner-failed",
                "report it to the plugin's author; if you trust the file like Locum itself, `locum plugin pin --in-process FILE` runs it without a process of its own",
            ),
            Self::NameTaken => ("name-taken", "keep only one of the two files"),
            Self::ApiTypeTaken => ("api-type-taken", "keep only one of the two plugins"),
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

/// A load error without its path, for checks that see bytes only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoadFault {
    pub(crate) code: LoadErrorCode,
    pub(crate) cause: String,
}

impl LoadFault {
    pub(crate) fn new(code: LoadErrorCode, cause: impl Into<String>) -> Self {
        Self { code, cause: cause.into() }
    }

    /// The error of the file or directory at this path.
    pub(crate) fn at(self, path: &Path) -> LoadError {
        LoadError { code: self.code, path: path.to_owned(), cause: one_line(&self.cause), hashes: None }
    }
}

/// The first three lines with text, joined and cut: those of a surface mismatch have up to 40 KB.
fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).take(3).collect();
    locum_engine::printable(&lines.join("; "), 300)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_unique_text_and_a_remedy() {
        let mut texts: Vec<&str> = LoadErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert!(LoadErrorCode::ALL.iter().all(|code| !code.row().1.is_empty()));
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), LoadErrorCode::ALL.len());
    }

    #[test]
    fn an_error_has_three_lines_whatever_the_cause() {
        let mut error = LoadFault::new(LoadErrorCode::PinMismatch, "a\n\n b\nc\nd").at(Path::new("/p/x.so"));
        error.hashes = Some(HashMismatch { pinned: Sha256::of(b"a"), found: Sha256::of(b"b") });
        let text = error.to_string();
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.starts_with("/p/x.so: a; b; c (pin-mismatch)\npinned sha256 ca978112"), "{text}");
        assert!(text.contains("`locum plugin pin /p/x.so`"), "{text}");
    }
}
