//! What the kernel adds to the sandbox of a plugin's own process.

/// What is applied where the kernel has it. What is required is not listed: without it no plugin runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Protections {
    /// Landlock: no file and no network address, even if the filter of system calls failed.
    pub landlock: bool,
    /// No memory can be made executable later (`PR_SET_MDWE`, Linux 6.3).
    pub no_new_code: bool,
}
