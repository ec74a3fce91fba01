//! Strict parsing of JSON from clients: duplicate keys, deep nesting and integers that would lose digits are refused.
//!
//! RFC 7519 section 4 allows a parser to refuse duplicate member names. Some parsers keep the first and some the last,
//! and so disagree about what was signed; this one refuses the object.

mod node;
pub(crate) mod plain;

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Deserializer, Number};

use crate::limits::JSON_DEPTH_MAX;

pub use node::{Members, Node};

/// Why a text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotStrictJson {
    /// An integer does not fit into 64 bits, signed or unsigned.
    #[error("an integer has more than 64 bits; send it as a string")]
    IntegerTooLong,
    /// Anything else that is wrong, for people.
    #[error("{0}")]
    Malformed(String),
}

/// Reads a text that is one JSON object and nothing else. The members borrow from it what is written without escapes.
///
/// # Errors
/// The text is not JSON, is not an object, has a duplicate key, nests deeper than [`JSON_DEPTH_MAX`], or contains an
/// integer of more than 64 bits.
pub fn object(bytes: &[u8]) -> Result<Members<'_>, NotStrictJson> {
    // Texts are then not checked one by one.
    let text =
        std::str::from_utf8(bytes).map_err(|_| NotStrictJson::Malformed("it is not UTF-8".to_owned()))?;
    plain::object(text).map_or_else(|| general(text), Ok)
}

/// Reads whatever strict JSON can express.
fn general(text: &str) -> Result<Members<'_>, NotStrictJson> {
    let has_float = Cell::new(false);
    let reader = Reader { levels_left: JSON_DEPTH_MAX, has_float: &has_float };
    let mut deserializer = Deserializer::from_str(text);
    let read = reader.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    // serde_json makes a float of an integer that is too long.
    if (has_float.get() || read.is_err()) && loses_digits(text.as_bytes()) {
        return Err(NotStrictJson::IntegerTooLong);
    }
    match read {
        Ok(Node::Object(members)) => Ok(members),
        Ok(_) => Err(NotStrictJson::Malformed("expected a JSON object".to_owned())),
        Err(error) => Err(NotStrictJson::Malformed(error.to_string())),
    }
}

/// Whether the text holds an integer that does not fit into 64 bits. A [`Number`] would round it, and a claim with other
/// digits than those that were signed names, perhaps, another account.
///
/// serde_json can keep all digits (`arbitrary_precision`), but then messages with tagged or flattened types, which plugins
/// answer with, no longer parse.
fn loses_digits(text: &[u8]) -> bool {
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

/// Reads one value.
#[derive(Clone, Copy)]
struct Reader<'r> {
    /// How many levels may still be opened.
    levels_left: usize,
    /// Set when a number is read that is not an integer of 64 bits.
    has_float: &'r Cell<bool>,
}

impl Reader<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.levels_left.checked_sub(1) {
            Some(levels_left) => Ok(Self { levels_left, ..self }),
            None => Err(E::custom("nested too deeply")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Node<'de>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Node<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node<'de>, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node<'de>, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node<'de>, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Node<'de>, E> {
        self.has_float.set(true);
        Number::from_f64(value).map(Node::Number).ok_or_else(|| E::custom("a number must be finite"))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node<'de>, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'de>, A::Error> {
        let inner = self.deeper()?;
        let mut members = Vec::new();
        while let Some(name) = map.next_key_seed(Name)? {
            members.push((name, map.next_value_seed(inner)?));
        }
        let twice = |name: Cow<'de, str>| {
            A::Error::custom(format!("the key `{}` stands there twice", name.escape_default()))
        };
        Members::unique(members).map(Node::Object).map_err(twice)
    }
}

/// Reads the name of a member. serde's own `Cow` always copies.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

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
            Node::Object(object(text.as_bytes()).unwrap()).to_value(),
            serde_json::from_str::<Value>(text).unwrap()
        );
    }

    #[test]
    fn only_texts_with_escapes_are_copied() {
        let members = object(br#"{"plain":"a","b\u0061r":"x\ty"}"#).unwrap();
        assert!(matches!(members.get("plain"), Some(Node::Text(Cow::Borrowed("a")))));
        assert_eq!(members.get("bar").and_then(Node::as_text), Some("x\ty"));
    }

    #[test]
    fn the_refusal_says_what_is_wrong() {
        let why = |text: &str| object(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(why(r#"{"a":[1e3,18446744073709551616]}"#), NotStrictJson::IntegerTooLong.to_string());
        assert_eq!(why(r#"{"a":18446744073709551616,"#), NotStrictJson::IntegerTooLong.to_string());
        assert_eq!(why(r#"{"a\n":1,"a\n":2}"#), "the key `a\\n` stands there twice at line 1 column 17");
        assert_eq!(why("[]"), "expected a JSON object");
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
                prop_assert_eq!(
                    Node::Object(strict).to_value(),
                    serde_json::from_str::<Value>(&text).unwrap()
                );
            }
        }
    }
}
