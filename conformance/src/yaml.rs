//! Reading a YAML file into a type; whatever is wrong is said with file, line and column.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Something wrong with a file of the suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixtureError {
    /// The file.
    pub file: String,
    /// Line and column, counted from one.
    pub place: (u64, u64),
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for FixtureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.place;
        write!(f, "{}:{line}:{column}: {}", self.file, self.message)
    }
}

impl FixtureError {
    /// A mistake of the whole file.
    pub(crate) fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), place: (1, 1), message: message.into() }
    }

    /// A mistake at the first line that says this.
    pub(crate) fn at_text(file: &str, text: &str, wanted: &str, message: impl Into<String>) -> Self {
        let line = text.lines().position(|line| line.contains(wanted)).unwrap_or(0) as u64 + 1;
        Self { file: file.to_owned(), place: (line, 1), message: message.into() }
    }
}

/// Reads a file's text. A key that stands twice is an error, and only `true` and `false` are booleans.
pub(crate) fn read<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, FixtureError> {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let message = error.without_snippet().to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
        FixtureError {
            file: file.to_owned(),
            place: error.location().map_or((1, 1), |location| (location.line(), location.column())),
            message: message.to_owned(),
        }
    })
}

/// Fills `${file:PATH}` in all texts. `take_in` gives the file's text.
pub(crate) fn take_in_files(
    value: &mut Value,
    take_in: &dyn Fn(&str) -> Result<String, String>,
) -> Result<(), String> {
    match value {
        Value::String(text) => {
            if let Some(path) = text.strip_prefix("${file:").and_then(|rest| rest.strip_suffix('}')) {
                *text = take_in(path)?.trim_end_matches('\n').to_owned();
            }
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| take_in_files(item, take_in)),
        Value::Object(members) => take_in_files_of(members, take_in),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// The same for an object.
pub(crate) fn take_in_files_of(
    members: &mut Map<String, Value>,
    take_in: &dyn Fn(&str) -> Result<String, String>,
) -> Result<(), String> {
    members.values_mut().try_for_each(|member| take_in_files(member, take_in))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::Fixture;

    const GOOD: &str = "description: It answers.\nprofile: errors\nsteps:\n  - expect: { status: 200 }\n";

    fn mistake(text: &str) -> String {
        read::<Fixture>("a.yaml", text).unwrap_err().to_string()
    }

    #[test]
    fn a_small_fixture_is_read() {
        let fixture: Fixture = read("a.yaml", GOOD).unwrap();
        assert_eq!(fixture.steps[0].times, 1);
        assert!(fixture.accepts());
    }

    #[test]
    fn an_unknown_field_is_named_with_its_line() {
        let text = mistake(&format!("{GOOD}setps: []\n"));
        assert!(text.starts_with("a.yaml:5:1: unknown field `setps`"), "{text}");
        let text = mistake(&GOOD.replace("status: 200", "stauts: 200"));
        assert!(text.starts_with("a.yaml:4:15: unknown field `stauts`"), "{text}");
    }

    #[test]
    fn an_unknown_profile_is_named_with_its_line() {
        let text = mistake(&GOOD.replace("profile: errors", "profile: erors"));
        assert!(text.starts_with("a.yaml:2:"), "{text}");
        assert!(text.contains("erors"), "{text}");
    }

    #[test]
    fn a_key_that_stands_twice_is_named_with_its_line() {
        let text = mistake(&format!("{GOOD}profile: errors\n"));
        assert!(text.starts_with("a.yaml:5:1: "), "{text}");
        assert!(text.contains("profile"), "{text}");
    }

    #[test]
    fn a_word_that_looks_like_a_boolean_stays_a_word() {
        let text = GOOD.replace("status: 200", "status: 200, audit: { device: on, ok: true }");
        let fixture: Fixture = read("a.yaml", &text).unwrap();
        assert_eq!(fixture.steps[0].expect.audit["device"], "on");
        assert_eq!(fixture.steps[0].expect.audit["ok"], true);
    }

    #[test]
    fn files_are_taken_in_without_their_last_newline() {
        let mut value = json!({"a": ["${file:k.pem}"], "b": "file:k.pem"});
        take_in_files(&mut value, &|path| Ok(format!("<{path}>\n"))).unwrap();
        assert_eq!(value, json!({"a": ["<k.pem>"], "b": "file:k.pem"}));
    }
}
