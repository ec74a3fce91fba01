//! Makes texts of plugins, upstreams, issuers and exports safe for logs and terminals.

/// The text with everything escaped that could break a line, control a terminal or hide text, cut after so many characters.
///
/// ```
/// assert_eq!(locum_engine::printable("Shop \u{1b}[31m", 99), "Shop \\u{1b}[31m");
/// assert_eq!(locum_engine::printable("Shop", 2), "Sh…");
/// ```
pub fn printable(text: &str, chars_max: usize) -> String {
    let mut clean = String::with_capacity(text.len().min(chars_max));
    for (count, char) in text.chars().enumerate() {
        if count == chars_max {
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

/// Whether it is a control character, one of the two line separators of Unicode, or a character that is invisible or turns
/// text around.
pub fn needs_escape(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_and_terminal_controls_are_escaped() {
        assert_eq!(printable("a\r\n\u{1b}[2Jb\u{202e}c", 99), r"a\u{d}\u{a}\u{1b}[2Jb\u{202e}c");
    }

    #[test]
    fn ordinary_text_is_unchanged() {
        assert_eq!(printable("grüße 日本 `x`", 99), "grüße 日本 `x`");
    }

    #[test]
    fn long_text_is_truncated() {
        assert_eq!(printable("abcdef", 3), "abc…");
        assert_eq!(printable("abc", 3), "abc");
    }
}
