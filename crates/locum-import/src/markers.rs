//! Expands the markers of the deploy CLI in the text of a file: `@@KEY@@` stands for JSON, `##KEY##` for a text.
//!
//! As the deploy CLI does it: in the text before it is parsed, the `@@` markers first, with the quotes around them.

use serde_json::{Map, Value};

use crate::ImportError;

/// The text with its markers replaced.
pub(crate) fn expand(text: String, mappings: &Map<String, Value>) -> Result<String, ImportError> {
    let mut text = text;
    for (key, value) in mappings {
        let marker = format!("@@{key}@@");
        if text.contains(&marker) {
            let json = value.to_string();
            for quote in ["'", "\"", ""] {
                text = text.replace(&format!("{quote}{marker}{quote}"), &json);
            }
        }
    }
    for (key, value) in mappings {
        let marker = format!("##{key}##");
        if !text.contains(&marker) {
            continue;
        }
        let literal = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => {
                return Err(ImportError::file(
                    "config.json",
                    format!(
                        "AUTH0_KEYWORD_REPLACE_MAPPINGS: {marker} stands for a text, and the value of {key} is none; write a text, or use @@{key}@@"
                    ),
                ));
            }
        };
        text = text.replace(&marker, &literal);
    }
    Ok(text)
}

/// The first marker in a text that nothing has replaced.
pub(crate) fn left_in(text: &str) -> Option<&str> {
    ["@@", "##"].into_iter().find_map(|sign| {
        let mut rest = text;
        while let Some(at) = rest.find(sign) {
            let after = rest.get(at + sign.len()..)?;
            let length = after.find(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '_');
            let length = length.unwrap_or(after.len());
            if length > 0 && after.get(length..).is_some_and(|end| end.starts_with(sign)) {
                return rest.get(at..at + length + 2 * sign.len());
            }
            rest = after;
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn expanded(text: &str) -> Result<String, ImportError> {
        let mappings =
            json!({"HOST": "shop.example", "ORIGINS": ["https://a", "https://b"], "N": 7, "Q": "a\"b"});
        expand(text.to_owned(), mappings.as_object().unwrap())
    }

    #[test]
    fn a_text_marker_is_replaced_literally_and_a_json_marker_with_its_quotes() {
        assert_eq!(expanded("\"https://##HOST##/##N##\"").unwrap(), "\"https://shop.example/7\"");
        for marker in ["@@ORIGINS@@", "'@@ORIGINS@@'", "\"@@ORIGINS@@\""] {
            assert_eq!(expanded(&format!("a: {marker}")).unwrap(), "a: [\"https://a\",\"https://b\"]");
        }
        assert_eq!(expanded("a: @@Q@@").unwrap(), "a: \"a\\\"b\"");
    }

    #[test]
    fn a_list_as_a_text_is_refused() {
        let refused = expanded("a: ##ORIGINS##").unwrap_err().to_string();
        assert!(refused.contains("use @@ORIGINS@@"), "{refused}");
    }

    #[test]
    fn a_marker_that_is_left_is_found_and_other_signs_are_not() {
        assert_eq!(left_in("https://##A_1##/x"), Some("##A_1##"));
        assert_eq!(left_in("x @@B@@"), Some("@@B@@"));
        for text in ["", "##", "## A ##", "#A#", "####", "a@@b", "##a##", "@@A##"] {
            assert_eq!(left_in(text), None, "{text}");
        }
    }
}
