//! Variables: `${…}` in the texts of a fixture.
//!
//! | variable | value |
//! |---|---|
//! | `${now}`, `${now+300}`, `${now-60}` | the time of the step, unix seconds |
//! | `${rfc3339 now+300}` | the same as text |
//! | `${name}` | what the suite knows under that name, such as `${api_type}` |
//! | `${now+name}` | the time and a known number of seconds |
//! | `${x*2048}` | the text before the asterisk, so many times |
//!
//! A text that is one variable and nothing else takes the variable's type: `"${now}"` is a number.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value};

/// The seconds between which a request was made: one second in virtual time, a few on a real clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) earliest: i64,
    pub(crate) latest: i64,
}

/// What `${…}` stands for in one step.
#[derive(Debug, Clone)]
pub(crate) struct Variables {
    pub(crate) now: Window,
    known: BTreeMap<&'static str, Value>,
}

/// A variable that nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("${{{name}}} is no variable; known are now{known}")]
pub(crate) struct UnknownVariable {
    name: String,
    known: String,
}

impl Variables {
    pub(crate) fn new(now: Window) -> Self {
        Self { now, known: BTreeMap::new() }
    }

    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.known.insert(name, value.into());
    }

    /// A text with its variables filled in.
    pub(crate) fn text(&self, text: &str) -> Result<String, UnknownVariable> {
        match self.filled_text(text)? {
            Value::String(text) => Ok(text),
            other => Ok(other.to_string()),
        }
    }

    /// A value with the variables of all its texts filled in.
    pub(crate) fn value(&self, value: &Value) -> Result<Value, UnknownVariable> {
        match value {
            Value::String(text) => self.filled_text(text),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(members) => self.object(members).map(Value::Object),
            other => Ok(other.clone()),
        }
    }

    /// The same for an object, its names too.
    pub(crate) fn object(&self, members: &Map<String, Value>) -> Result<Map<String, Value>, UnknownVariable> {
        members.iter().map(|(name, member)| Ok((self.text(name)?, self.value(member)?))).collect()
    }

    /// Whether a value is the expected one. Times may lie anywhere in the window of the step.
    pub(crate) fn agrees(&self, expected: &Value, got: &Value) -> Result<bool, UnknownVariable> {
        match (expected, got) {
            (Value::String(text), got) => {
                if let Some(within) = self.time_agrees(text, got)? {
                    return Ok(within);
                }
                Ok(self.filled_text(text)? == *got)
            }
            (Value::Array(expected), Value::Array(got)) if expected.len() == got.len() => {
                self.all_agree(expected.iter().zip(got))
            }
            (Value::Object(expected), Value::Object(got)) if expected.len() == got.len() => {
                if !expected.keys().all(|name| got.contains_key(name)) {
                    return Ok(false);
                }
                self.all_agree(expected.iter().filter_map(|(name, member)| Some((member, got.get(name)?))))
            }
            (expected, got) => Ok(expected == got),
        }
    }

    fn all_agree<'v>(
        &self,
        mut pairs: impl Iterator<Item = (&'v Value, &'v Value)>,
    ) -> Result<bool, UnknownVariable> {
        pairs.try_fold(true, |so_far, (expected, got)| Ok(so_far && self.agrees(expected, got)?))
    }

    /// Whether a time agrees, if the text is nothing but a time.
    fn time_agrees(&self, text: &str, got: &Value) -> Result<Option<bool>, UnknownVariable> {
        let Some(inside) = whole(text) else { return Ok(None) };
        let (expression, got) = match inside.strip_prefix(RFC_3339) {
            Some(expression) => (expression, got.as_str().and_then(unix_seconds)),
            None => (inside, got.as_i64()),
        };
        let Some(offset) = self.offset(expression)? else { return Ok(None) };
        let window = self.now.earliest.saturating_add(offset)..=self.now.latest.saturating_add(offset);
        Ok(Some(got.is_some_and(|got| window.contains(&got))))
    }

    fn filled_text(&self, text: &str) -> Result<Value, UnknownVariable> {
        if let Some(name) = whole(text) {
            return self.variable(name);
        }
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else { break };
            filled.push_str(before);
            match self.variable(name)? {
                Value::String(text) => filled.push_str(&text),
                other => filled.push_str(&other.to_string()),
            }
            rest = after;
        }
        filled.push_str(rest);
        Ok(Value::String(filled))
    }

    fn variable(&self, name: &str) -> Result<Value, UnknownVariable> {
        let at = |offset| self.now.earliest.saturating_add(offset);
        if let Some(expression) = name.strip_prefix(RFC_3339) {
            let offset = self.offset(expression)?.ok_or_else(|| self.unknown(name))?;
            return Ok(rfc_3339(at(offset)).into());
        }
        if let Some(repeated) = repeated(name) {
            return Ok(repeated.into());
        }
        match self.offset(name)? {
            Some(offset) => Ok(at(offset).into()),
            None => self.known.get(name).cloned().ok_or_else(|| self.unknown(name)),
        }
    }

    /// Seconds from now, if the expression is a time.
    fn offset(&self, expression: &str) -> Result<Option<i64>, UnknownVariable> {
        let Some(rest) = expression.strip_prefix("now") else { return Ok(None) };
        let (sign, term) = match (rest.strip_prefix('+'), rest.strip_prefix('-')) {
            (Some(term), _) => (1, term),
            (_, Some(term)) => (-1, term),
            _ if rest.is_empty() => return Ok(Some(0)),
            _ => return Ok(None),
        };
        let seconds = match term.parse() {
            Ok(seconds) => seconds,
            Err(_) => self.known.get(term).and_then(Value::as_i64).ok_or_else(|| self.unknown(expression))?,
        };
        Ok(Some(i64::saturating_mul(sign, seconds)))
    }

    fn unknown(&self, name: &str) -> UnknownVariable {
        let known = self.known.keys().map(|known| format!(", {known}")).collect();
        UnknownVariable { name: name.to_owned(), known }
    }
}

const RFC_3339: &str = "rfc3339 ";

/// Most repetitions of a text.
const REPETITIONS_MAX: usize = 100_000;

/// The text of `x*2048`.
fn repeated(expression: &str) -> Option<String> {
    let (text, times) = expression.rsplit_once('*')?;
    Some(text.repeat(times.parse().ok().filter(|times| *times <= REPETITIONS_MAX)?))
}

/// What stands between `${` and `}` of a text that is one variable.
fn whole(text: &str) -> Option<&str> {
    let inside = text.strip_prefix("${")?.strip_suffix('}')?;
    (!inside.contains('}')).then_some(inside)
}

/// Unix seconds as RFC 3339, UTC, whole seconds.
pub(crate) fn rfc_3339(unix_seconds: i64) -> String {
    Timestamp::from_second(unix_seconds)
        .map_or_else(|_| unix_seconds.to_string(), |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// RFC 3339 as unix seconds.
pub(crate) fn unix_seconds(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.earliest, self.latest)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn variables() -> Variables {
        let mut variables = Variables::new(Window { earliest: 1_894_128_314, latest: 1_894_128_316 });
        variables.set("api_type", "app");
        variables.set("lifetime", 300);
        variables
    }

    #[test]
    fn a_text_that_is_one_variable_takes_its_type() {
        let given = json!(["${now}", "${now+60}", "${now-lifetime}", "${lifetime}", "${api_type}"]);
        let filled = json!([1_894_128_314, 1_894_128_374, 1_894_128_014, 300, "app"]);
        assert_eq!(variables().value(&given).unwrap(), filled);
    }

    #[test]
    fn variables_inside_a_text_are_written_out() {
        assert_eq!(variables().text("a ${api_type} for ${lifetime} s, $5").unwrap(), "a app for 300 s, $5");
        assert_eq!(variables().text("${rfc3339 now}/${api_type}").unwrap(), "2030-01-08T18:45:14Z/app");
    }

    #[test]
    fn a_text_with_an_asterisk_and_a_number_is_repeated() {
        assert_eq!(variables().text("<${ab*3}>${<a/>*2}").unwrap(), "<ababab><a/><a/>");
        assert!(variables().text("${x*100001}").is_err());
        assert!(variables().text("${x*many}").is_err());
    }

    #[test]
    fn a_time_agrees_inside_the_window_and_not_beside_it() {
        let agrees = |got: i64| variables().agrees(&json!("${now+60}"), &json!(got)).unwrap();
        assert!([1_894_128_374, 1_894_128_376].into_iter().all(agrees));
        assert!(![1_894_128_373, 1_894_128_377].into_iter().any(agrees));
        let agrees = |got: &str| variables().agrees(&json!("${rfc3339 now}"), &json!(got)).unwrap();
        assert!(agrees("2030-01-08T18:45:15Z"));
        assert!(!agrees("2030-01-08T18:45:17Z"));
        assert!(!agrees("soon"));
    }

    #[test]
    fn objects_and_lists_agree_member_by_member() {
        let expected = json!({"a": ["${api_type}", 1], "b": null});
        assert!(variables().agrees(&expected, &json!({"b": null, "a": ["app", 1]})).unwrap());
        assert!(!variables().agrees(&expected, &json!({"a": ["app", 1], "c": null})).unwrap());
        assert!(!variables().agrees(&expected, &json!({"a": ["app", 2], "b": null})).unwrap());
        assert!(!variables().agrees(&expected, &json!({"a": ["app", 1]})).unwrap());
    }

    #[test]
    fn an_unknown_variable_is_named_and_so_are_the_known() {
        let error = variables().text("${lifetme}").unwrap_err().to_string();
        assert_eq!(error, "${lifetme} is no variable; known are now, api_type, lifetime");
        assert!(variables().text("${now+lifetme}").is_err());
    }
}
