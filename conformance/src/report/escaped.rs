//! Texts of a report inside markup. Some come from the tested plugin, so none may become markup or mislead the reader.

use std::fmt::{self, Write as _};

/// A text as content or as a quoted attribute of HTML or XML.
///
/// Invisible characters, characters that change the reading direction and characters that XML forbids are written as
/// their code point, such as `<U+202E>`. Line breaks and tabs stay.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' | '\t' => f.write_char(character)?,
                _ if misleads(character) => write!(f, "&lt;U+{:04X}&gt;", u32::from(character))?,
                _ => f.write_char(character)?,
            }
        }
        Ok(())
    }
}

/// A text for a terminal. Invisible characters and controls, which begin escape sequences, are written as their code point.
/// Line breaks and tabs stay.
pub(super) fn visible(text: &str) -> String {
    let shown = |character: char| match character {
        '\n' | '\t' => character.to_string(),
        _ if misleads(character) => format!("<U+{:04X}>", u32::from(character)),
        _ => character.to_string(),
    };
    text.chars().map(shown).collect()
}

/// Whether it is a control, an invisible formatting character or a non-character.
fn misleads(character: char) -> bool {
    let is_format = matches!(
        character,
        '\u{AD}'
            | '\u{61C}'
            | '\u{180E}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E007F}'
    );
    let is_noncharacter =
        matches!(character, '\u{FDD0}'..='\u{FDEF}') || u32::from(character) & 0xFFFE == 0xFFFE;
    character.is_control() || is_format || is_noncharacter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_of_markup_are_escaped() {
        assert_eq!(Escaped(r#"<a b='c' d="e">&amp;"#).to_string(), {
            "&lt;a b=&#39;c&#39; d=&quot;e&quot;&gt;&amp;amp;"
        });
    }

    #[test]
    fn invisible_characters_are_written_as_code_points() {
        assert_eq!(
            Escaped("a\0b\u{1b}[31m\r\u{9b}\u{202e}c\u{fffe}\u{10ffff}").to_string(),
            "a&lt;U+0000&gt;b&lt;U+001B&gt;[31m&lt;U+000D&gt;&lt;U+009B&gt;&lt;U+202E&gt;c&lt;U+FFFE&gt;&lt;U+10FFFF&gt;"
        );
    }

    #[test]
    fn other_texts_are_unchanged() {
        let text = "one\n\ttwo – drei ✓ 四 \u{1F600} עברית";
        assert_eq!(Escaped(text).to_string(), text);
        assert_eq!(visible(text), text);
    }

    #[test]
    fn a_terminal_is_given_no_escape_sequence() {
        assert_eq!(visible("a\u{1b}[2J<b>\r\u{202e}"), "a<U+001B>[2J<b><U+000D><U+202E>");
    }
}
