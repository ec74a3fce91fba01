//! Second values: texts of the same shape as others, for a user, an add-on and a tenant besides those of the plugin spec.

use serde_json::{Map, Value};

/// The same object with every text changed in one letter or digit. Names, numbers and truth values stay.
pub(crate) fn changed_members(members: &Map<String, Value>) -> Map<String, Value> {
    members.iter().map(|(name, value)| (name.clone(), changed_value(value))).collect()
}

/// The same for any value.
pub(crate) fn changed_value(value: &Value) -> Value {
    match value {
        Value::String(text) => changed_text(text).into(),
        Value::Array(items) => items.iter().map(changed_value).collect(),
        Value::Object(members) => Value::Object(changed_members(members)),
        other => other.clone(),
    }
}

/// The text with another letter or digit: the last one of a URL, a path or an ARN, whose beginning has a meaning, else the
/// first. Hexadecimal digits stay such.
pub(crate) fn changed_text(text: &str) -> String {
    let is_changed = |c: &(usize, char)| c.1.is_ascii_alphanumeric();
    let at = if text.contains([':', '/']) {
        text.char_indices().rfind(is_changed)
    } else {
        text.char_indices().find(is_changed)
    };
    let Some((at, letter)) = at else { return format!("{text}b") };
    let (before, from) = text.split_at(at);
    let after: String = from.chars().skip(1).collect();
    format!("{before}{}{after}", next(letter))
}

/// The next letter or digit of its kind; the first one after the last.
fn next(letter: char) -> char {
    match letter {
        '9' => '1',
        'f' => 'a',
        'F' => 'A',
        'z' => 'g',
        'Z' => 'G',
        other => char::from_u32(u32::from(other) + 1).unwrap_or('b'),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_changed_text_has_the_same_shape() {
        for (text, changed) in [
            ("alice@example.com", "blice@example.com"),
            ("9f0", "1f0"),
            ("arn:aws:iam::12:role/reader", "arn:aws:iam::12:role/reades"),
            ("https://sap.example.com:8443/token", "https://sap.example.com:8443/tokeo"),
            ("", "b"),
            ("<ü>", "<ü>b"),
        ] {
            assert_eq!(changed_text(text), changed);
        }
    }

    #[test]
    fn every_text_of_an_object_is_changed() {
        let changed = changed_value(&json!({ "a": ["x", 1], "b": { "c": "f" }, "d": true }));
        assert_eq!(changed, json!({ "a": ["y", 1], "b": { "c": "a" }, "d": true }));
    }
}
