//! Strict parsing of JSON from clients: duplicate keys, deep nesting and integers that would lose digits are refused.
//!
//! RFC 7519 section 4 allows a parser to refuse duplicate member names. Some parsers keep the first and some the last,
//! and so disagree about what was signed; this one refuses the object.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Deserializer, Map, Number, Value};

use crate::limits::JSON_DEPTH_MAX;

/// Why a text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotStrictJson(String);

/// Parses a text that is one JSON object and nothing else.
///
/// # Errors
/// The text is not JSON, is not an object, has a duplicate key, nests deeper than [`JSON_DEPTH_MAX`], or contains an
/// integer of more than 64 bits.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, NotStrictJson> {
    if loses_digits(bytes) {
        return Err(NotStrictJson("an integer has more than 64 bits; send it as a string".to_owned()));
    }
    let mut deserializer = Deserializer::from_slice(bytes);
    let value = Depth(JSON_DEPTH_MAX).deserialize(&mut deserializer).map_err(|error| refused(&error))?;
    deserializer.end().map_err(|error| refused(&error))?;
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(NotStrictJson("expected a JSON object".to_owned())),
    }
}

/// Whether the text holds an integer that does not fit into 64 bits. A [`Number`] would round it, and a claim with other
/// digits than those that were signed names, perhaps, another account.
///
/// serde_json can keep all digits (`arbitrary_precision`), but then messages with tagged or flattened types, which plugins
/// answer with, no longer parse.
pub(crate) fn loses_digits(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = match byte {
            b'"' => after_string(after),
            b'-' | b'0'..=b'9' => {
                let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
                let end = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
                let (number, after) = rest.split_at(end);
                if is_too_long(number) {
                    return true;
                }
                after
            }
            _ => after,
        };
    }
    false
}

fn after_string(mut text: &[u8]) -> &[u8] {
    loop {
        text = match text {
            [b'\\', _, after @ ..] => after,
            [b'"', after @ ..] => return after,
            [_, after @ ..] => after,
            [] => return text,
        };
    }
}

fn is_too_long(number: &[u8]) -> bool {
    let is_integer = !number.iter().any(|byte| b".eE".contains(byte));
    let number = std::str::from_utf8(number).unwrap_or_default();
    is_integer && number.parse::<i64>().is_err() && number.parse::<u64>().is_err()
}

fn refused(error: &serde_json::Error) -> NotStrictJson {
    NotStrictJson(error.to_string())
}

/// The number of levels that may still be opened.
#[derive(Clone, Copy)]
struct Depth(usize);

impl Depth {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        self.0.checked_sub(1).map(Self).ok_or_else(|| E::custom("nested too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number must be finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut members = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(inner)?;
            if members.contains_key(&key) {
                return Err(A::Error::custom(format!(
                    "the key `{}` stands there twice",
                    key.escape_default()
                )));
            }
            members.insert(key, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_duplicate_key_is_refused_at_any_depth() {
        assert!(object(br#"{"a":1,"b":{"a":2}}"#).is_ok());
        assert!(object(br#"{"a":1,"a":1}"#).is_err());
        assert!(object(br#"{"b":[{"a":1,"\u0061":1}]}"#).is_err());
    }

    #[test]
    fn nesting_beyond_the_limit_is_refused() {
        let nested = |depth: usize| format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(object(nested(JSON_DEPTH_MAX - 1).as_bytes()).is_ok());
        assert!(object(nested(JSON_DEPTH_MAX).as_bytes()).is_err());
        assert!(object(nested(100_000).as_bytes()).is_err());
    }

    #[test]
    fn an_integer_that_would_lose_digits_is_refused_at_any_depth() {
        for kept in [
            "18446744073709551615",
            "-9223372036854775808",
            "1e400000000000000000000000",
            "123456789012345678901.5",
            "\"123456789012345678901\"",
            "\"\\\"123456789012345678901\"",
        ] {
            assert!(!loses_digits(format!("{{\"a\":[{kept}]}}").as_bytes()), "{kept}");
        }
        for lost in ["18446744073709551616", "-9223372036854775809", "123456789012345678901"] {
            for text in [format!("{{\"a\":{lost}}}"), format!("{{\"\\\\\":[{{\"b\":[1,{lost} ]}}]}}")] {
                assert!(object(text.as_bytes()).is_err(), "{text}");
                assert!(loses_digits(text.as_bytes()), "{text}");
            }
        }
    }

    #[test]
    fn values_of_every_type_are_kept() {
        let text =
            r#"{"a":null,"b":true,"c":-7,"d":18446744073709551615,"e":1.5,"f":"x\ty","g":[false],"h":{}}"#;
        assert_eq!(
            Value::Object(object(text.as_bytes()).unwrap()),
            serde_json::from_str::<Value>(text).unwrap()
        );
    }

    #[test]
    fn only_a_whole_object_is_read() {
        for text in ["", "[]", "1", "{} {}", "{", "\u{feff}{}", "{\"a\":NaN}"] {
            assert!(object(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_reads_the_same_as_serde_json(text in r#"\{("[a-c]":([0-9]{1,3}|"[a-z]*"|\[\]|\{\})(,"[d-f]":null)?)?\}"#) {
            if let Ok(strict) = object(text.as_bytes()) {
                prop_assert_eq!(Value::Object(strict), serde_json::from_str::<Value>(&text).unwrap());
            }
        }
    }
}
