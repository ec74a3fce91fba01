//! Writes canonical XML: elements, attributes and texts, escaped as exclusive c14n demands.

use locum_abi::answer::{Failure, FailureCode};

/// Writes an element with start and end tag. The caller gives attributes in canonical order: namespaces first, then by
/// name.
///
/// # Errors
/// The errors of `content`, or a character in an attribute's value that XML does not permit.
pub(super) fn element(
    out: &mut String,
    name: &str,
    attributes: &[(&str, &str)],
    content: impl FnOnce(&mut String) -> Result<(), Failure>,
) -> Result<(), Failure> {
    out.push('<');
    out.push_str(name);
    for (attribute, value) in attributes {
        out.push(' ');
        out.push_str(attribute);
        out.push_str("=\"");
        escaped(out, value, in_attribute)?;
        out.push('"');
    }
    out.push('>');
    content(out)?;
    out.push_str("</");
    out.push_str(name);
    out.push('>');
    Ok(())
}

/// Writes an element that contains a text.
///
/// # Errors
/// A character that XML does not permit.
pub(super) fn text_element(
    out: &mut String,
    name: &str,
    attributes: &[(&str, &str)],
    text: &str,
) -> Result<(), Failure> {
    element(out, name, attributes, |out| escaped(out, text, in_text))
}

/// The content of an empty element.
pub(super) fn no_content(_: &mut String) -> Result<(), Failure> {
    Ok(())
}

fn escaped(out: &mut String, text: &str, escape: fn(char) -> Option<&'static str>) -> Result<(), Failure> {
    for character in text.chars() {
        if !is_xml(character) {
            // Settings and parameters were checked before, so the value comes from the profile.
            let message = format!("a value about the user holds {character:?}, which XML cannot");
            return Err(Failure::new(FailureCode::AttributeMissing, message));
        }
        match escape(character) {
            Some(reference) => out.push_str(reference),
            None => out.push(character),
        }
    }
    Ok(())
}

/// `Char` of XML 1.0, section 2.2. Surrogates cannot occur in a Rust `char`.
const fn is_xml(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// Canonical XML 1.0, section 2.3, text nodes.
const fn in_text(character: char) -> Option<&'static str> {
    match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '\r' => Some("&#xD;"),
        _ => None,
    }
}

/// Canonical XML 1.0, section 2.3, attribute nodes.
const fn in_attribute(character: char) -> Option<&'static str> {
    match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '"' => Some("&quot;"),
        '\t' => Some("&#x9;"),
        '\n' => Some("&#xA;"),
        '\r' => Some("&#xD;"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(attribute: &str, text: &str) -> Result<String, Failure> {
        let mut out = String::new();
        text_element(&mut out, "a", &[("b", attribute)], text)?;
        Ok(out)
    }

    #[test]
    fn a_value_cannot_close_its_attribute_or_element() {
        let out = written("\"><x y='&", "</a><x>]]>&amp;\"").unwrap();
        assert_eq!(out, "<a b=\"&quot;>&lt;x y='&amp;\">&lt;/a&gt;&lt;x&gt;]]&gt;&amp;amp;\"</a>");
    }

    #[test]
    fn white_space_is_escaped_as_canonical_xml_demands() {
        assert_eq!(written("\t\n\r", "\t\n\r").unwrap(), "<a b=\"&#x9;&#xA;&#xD;\">\t\n&#xD;</a>");
    }

    #[test]
    fn characters_of_other_scripts_are_not_escaped() {
        assert_eq!(
            written("ä", "😀\u{D7FF}\u{FFFD}\u{10FFFF}").unwrap(),
            "<a b=\"ä\">😀\u{D7FF}\u{FFFD}\u{10FFFF}</a>"
        );
    }

    #[test]
    fn characters_that_xml_does_not_permit_are_refused() {
        for bad in ["\0", "\u{1}", "\u{8}", "\u{B}", "\u{1F}", "\u{FFFE}", "\u{FFFF}"] {
            assert!(written(bad, "").is_err(), "{bad:?}");
            assert!(written("", bad).is_err(), "{bad:?}");
        }
    }
}
