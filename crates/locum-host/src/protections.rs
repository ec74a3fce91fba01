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

impl Protections {
    /// What the kernel lacks, for people; `None` if it lacks nothing.
    pub(crate) fn missing(self) -> Option<&'static str> {
        match (self.landlock, self.no_new_code) {
            (true, true) => None,
            (false, true) => Some("landlock"),
            (true, false) => Some("PR_SET_MDWE (Linux 6.3)"),
            (false, false) => Some("landlock and PR_SET_MDWE (Linux 6.3)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_lacks_is_named() {
        let missing = |landlock, no_new_code| Protections { landlock, no_new_code }.missing();
        assert_eq!(missing(true, true), None);
        assert_eq!(missing(false, true), Some("landlock"));
        assert_eq!(missing(true, false), Some("PR_SET_MDWE (Linux 6.3)"));
        assert_eq!(missing(false, false), Some("landlock and PR_SET_MDWE (Linux 6.3)"));
    }
}
