//! The fields of a client that list pages.

/// The lists of which single entries can be left out: without one, a page cannot read responses, and nothing else changes.
pub(crate) const ORIGIN_LISTS: [&str; 2] = ["allowed_origins", "web_origins"];
