//! Reads the members of a JSON object into a type, and says which member is wrong without showing its value.

use std::cell::RefCell;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::de::value::MapDeserializer;
use serde_json::{Map, Value};

/// A member that the type does not take.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// The member's name.
    pub(crate) name: Option<String>,
    why: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// Reads each member into the field of that name.
pub(crate) fn read<T: DeserializeOwned>(members: Map<String, Value>) -> Result<T, Unreadable> {
    let current = RefCell::new(None);
    let mut members = members.into_iter();
    let members = std::iter::from_fn(|| {
        let member = members.next();
        *current.borrow_mut() = member.as_ref().map(|(name, _)| name.clone());
        member
    });
    let read = T::deserialize(MapDeserializer::new(members));
    read.map_err(|error: serde_json::Error| unreadable(current.take(), &error.to_string()))
}

/// `error` is a text of serde: `invalid type: string "x", expected u64`, ``missing field `x` ``. It may show the value.
fn unreadable(name: Option<String>, error: &str) -> Unreadable {
    let missing = || error.strip_prefix("missing field `")?.strip_suffix('`');
    match name {
        Some(name) if error.starts_with("duplicate field") => {
            Unreadable { why: format!("{name} is given twice, under two names"), name: Some(name) }
        }
        Some(name) => {
            let expected =
                error.rsplit_once(", expected ").map_or("usable", |(_, expected)| described(expected));
            Unreadable { why: format!("{name} must be {expected}"), name: Some(name) }
        }
        None => match missing() {
            Some(name) => {
                Unreadable { why: format!("missing {name} parameter"), name: Some(name.to_owned()) }
            }
            None => Unreadable { why: "a parameter is missing or wrong".to_owned(), name: None },
        },
    }
}

/// What serde expects, for people who do not know Rust.
fn described(expected: &str) -> &str {
    match expected {
        "a string" | "string" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "the fields are what is read")]
    struct Parameters {
        text: String,
        #[serde(alias = "theList")]
        list: Option<Vec<u64>>,
        flag: Option<bool>,
        object: Option<Map<String, Value>>,
        count: Option<u32>,
    }

    fn why(members: Value) -> (Option<String>, String) {
        let Value::Object(members) = members else { unreachable!() };
        let unreadable = read::<Parameters>(members).unwrap_err();
        (unreadable.name.clone(), unreadable.to_string())
    }

    #[test]
    fn a_member_of_the_wrong_type_is_named_and_its_value_is_not_shown() {
        let wrong = [
            ("text", json!(4711), "text must be a text"),
            ("text", json!(null), "text must be a text"),
            ("list", json!("4711"), "list must be a list"),
            ("list", json!(["4711"]), "list must be a whole number"),
            ("flag", json!("4711"), "flag must be true or false"),
            ("object", json!([4711]), "object must be an object"),
            ("count", json!(-4711), "count must be a whole number"),
        ];
        for (name, value, expected) in wrong {
            let mut members = json!({ "text": "t", "more": 1 });
            members[name] = value;
            assert_eq!(why(members), (Some(name.to_owned()), expected.to_owned()));
        }
    }

    #[test]
    fn a_missing_member_is_named() {
        assert_eq!(
            why(json!({ "count": 1 })),
            (Some("text".to_owned()), "missing text parameter".to_owned())
        );
    }

    #[test]
    fn a_member_that_is_given_under_two_names_is_named() {
        let twice = json!({ "text": "t", "list": [], "theList": [] });
        assert_eq!(why(twice).1, "theList is given twice, under two names");
    }

    #[test]
    fn good_members_are_read_and_unknown_ones_are_not_looked_at() {
        let Value::Object(members) = json!({ "text": "t", "count": 1, "unknown": [{}] }) else {
            unreachable!()
        };
        assert!(read::<Parameters>(members).is_ok());
    }
}
