//! Writes YAML: every text in double quotes, so that no other reader takes it for a number, a date or a reference.

use locum_engine::needs_escape;
use serde_json::{Map, Value};

/// The mapping in block style.
pub fn write(mapping: &Map<String, Value>) -> String {
    let mut out = String::new();
    members(mapping, 0, &mut out);
    out
}

/// A text in double quotes. Escapes are those of JSON, which YAML has too.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            char if needs_escape(char) || ('\u{fffe}'..='\u{ffff}').contains(&char) => {
                out.push_str(&format!("\\u{:04x}", u32::from(char)));
            }
            char => out.push(char),
        }
    }
    out.push('"');
    out
}

fn members(mapping: &Map<String, Value>, indent: usize, out: &mut String) {
    for (name, value) in mapping {
        pad(indent, out);
        if name.len() > SIMPLE_KEY_BYTES_MAX {
            out.push_str("? ");
            key(name, out);
            out.push('\n');
            pad(indent, out);
        } else {
            key(name, out);
        }
        out.push(':');
        value_after(value, indent + 1, out);
    }
}

/// A value behind a key or a dash, with the end of its line.
fn value_after(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(mapping) if !mapping.is_empty() => {
            out.push('\n');
            members(mapping, indent, out);
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            out.push('\n');
            for item in items {
                pad(indent, out);
                out.push('-');
                value_after(item, indent + 1, out);
            }
        }
        flat => {
            out.push(' ');
            in_line(flat, out);
            out.push('\n');
        }
    }
}

fn in_line(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => out.push_str(&quoted(text)),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                in_line(item, out);
            }
            out.push(']');
        }
        Value::Object(_) => out.push_str("{}"),
        other => out.push_str(&other.to_string()),
    }
}

/// Plain if it can only be a text.
fn key(name: &str, out: &mut String) {
    let is_word = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let is_reserved = RESERVED.contains(&name.to_ascii_lowercase().as_str());
    if is_word && !is_reserved { out.push_str(name) } else { out.push_str(&quoted(name)) }
}

/// The words that some version of YAML reads as something else than a text.
const RESERVED: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];

/// A longer key needs a question mark: YAML allows 1024 characters without, and an escape has six.
const SIMPLE_KEY_BYTES_MAX: usize = 160;

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", indent));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read_back(mapping: &Map<String, Value>) -> Value {
        serde_saphyr::from_str_with_options(&write(mapping), serde_saphyr::options! { budget: None }).unwrap()
    }

    #[test]
    fn blocks_are_indented_and_flat_lists_stay_in_their_line() {
        let value = json!({"domain": "a", "list": ["b", "c"], "null": null, "none": [], "deep": [{"e f": {}, "grown": [[1]]}]});
        let expected = r#"domain: "a"
list: ["b", "c"]
"null": null
none: []
deep:
  -
    "e f": {}
    grown:
      - [1]
"#;
        assert_eq!(write(value.as_object().unwrap()), expected);
        assert_eq!(read_back(value.as_object().unwrap()), value);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            proptest::num::f64::NORMAL.prop_map(Value::from),
            prop_oneof![Just(0.0), Just(-0.0), Just(1e20), Just(1e-7), Just(5e-324), Just(f64::MAX)]
                .prop_map(Value::from),
            "\\PC*|[\\x00-\\x7f\u{85}\u{2028}\u{feff}\u{1f600}]*".prop_map(Value::from),
            prop_oneof![
                Just("no"),
                Just("1e3"),
                Just("~"),
                Just("0x1f"),
                Just("2020-01-01"),
                Just("*a"),
                Just("0123"),
                Just("${env:HOME}"),
                Just("a\n  b\n\n"),
                Just("")
            ]
            .prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec(("[ -~]{0,8}|true|null|<<|a{1100}|\\PC{0,3}", inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_written_is_read_back(value in any_value()) {
            let mapping: Map<String, Value> = [("value".to_owned(), value)].into_iter().collect();
            prop_assert_eq!(read_back(&mapping), Value::Object(mapping));
        }
    }
}
