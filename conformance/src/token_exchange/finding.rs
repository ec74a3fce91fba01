//! What a check found in an answer.

use crate::report::Difference;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    AsRequired,
    Differs(Difference),
    /// The server does what the case lists as allowed. The text says what it did.
    Otherwise(String),
    /// The answer shows nothing about the requirement, for this reason.
    NotShown(String),
}

impl Finding {
    /// Whether a value is as expected.
    pub(crate) fn of(holds: bool, what: &str, expected: &str, got: impl Into<String>) -> Self {
        if holds { Self::AsRequired } else { Self::differs(what, expected, got) }
    }

    pub(crate) fn differs(what: &str, expected: &str, got: impl Into<String>) -> Self {
        Self::Differs(Difference::new(what, expected, got))
    }
}
