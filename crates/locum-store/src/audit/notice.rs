//! What the program that writes an audit log should know about it.

/// A change of the audit log's state. It is told by the writing thread, with no lock held.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// Lines cannot be written; this is said once, and again after a recovery.
    Unavailable {
        /// Why.
        error: String,
    },
    /// Lines are written again.
    Recovered {
        /// How many events were lost meanwhile.
        lost: u64,
        /// How many requests were answered with 503 after their events were taken.
        withheld: u64,
    },
    /// The file could not be opened again. Lines go where they went.
    NotReopened {
        /// Why.
        error: String,
    },
}
