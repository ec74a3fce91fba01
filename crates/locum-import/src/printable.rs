//! Makes texts of an export safe for a terminal.

/// Most characters of a text of the export that are shown.
const CHARS_MAX: usize = 2000;

/// The text with everything escaped that could break a line, control a terminal or hide text, cut after 2000 characters.
///
/// ```
/// assert_eq!(locum_import::printable("Shop \u{1b}[31m"), "Shop \\u{1b}[31m");
/// ```
pub fn printable(text: &str) -> String {
    let mut clean = String::new();
    for (count, char) in text.chars().enumerate() {
        if count == CHARS_MAX {
            clean.push('…');
            break;
        }
        if needs_escape(char) {
            clean.extend(char.escape_unicode());
        } else {
            clean.push(char);
        }
    }
    clean
}

/// Control characters, the two line separators of Unicode, and the characters that are invisible or turn text around.
pub(crate) fn needs_escape(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
