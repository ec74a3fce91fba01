//! Strict parsing of JSON from clients: duplicate keys and deep nesting are refused.
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
/// The text is not JSON, is not an object, has a duplicate key, or nests deeper than [`JSON_DEPTH_MAX`].
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, NotStrictJson> {
    let mut deserializer = Deserializer::from_slice(bytes);
    let value = Depth(JSON_DEPTH_MAX).deserialize(&mut deserializer).map_err(|error| refused(&error))?;
    deserializer.end().map_err(|error| refused(&error))?;
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(NotStrictJson("expected a JSON object".to_owned())),
    }
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
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
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
