//! The suite's own fixtures, built into the crate: folder, file and text.

/// Path under `fixtures/`, and the file's text.
pub(crate) const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/built_in.rs"));

/// The text of a file, by its path under `fixtures/`.
pub(crate) fn text(path: &str) -> Option<&'static str> {
    FILES.iter().find(|(name, _)| *name == path).map(|(_, text)| *text)
}
