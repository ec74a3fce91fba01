//! Makes texts of plugins and upstreams safe for logs and terminals.

/// Escapes everything that could break a line or control a terminal, and truncates to this many characters.
pub(crate) fn sanitized(text: &str, chars_max: usize) -> String {
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

/// Control characters, the two Unicode line separators, and the marks that change the direction of text.
fn needs_escape(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_and_terminal_controls_are_escaped() {
        assert_eq!(sanitized("a\r\n\u{1b}[2Jb\u{202e}c", 99), r"a\u{d}\u{a}\u{1b}[2Jb\u{202e}c");
    }

    #[test]
    fn ordinary_text_is_unchanged() {
        assert_eq!(sanitized("grüße 日本 `x`", 99), "grüße 日本 `x`");
    }

    #[test]
    fn long_text_is_truncated() {
        assert_eq!(sanitized("abcdef", 3), "abc…");
        assert_eq!(sanitized("abc", 3), "abc");
    }
}
