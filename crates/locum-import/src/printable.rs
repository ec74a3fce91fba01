//! Makes texts of an export safe for a terminal.

/// Most characters of a text of the export that are shown.
const CHARS_MAX: usize = 2000;

/// The text with everything escaped that could break a line, control a terminal or hide text, cut after 2000 characters.
pub fn printable(text: &str) -> String {
    locum_engine::printable(text, CHARS_MAX)
}
