//! Parses YAML, and words the parser's errors for an operator: without values, which may be secrets.

use serde::de::DeserializeOwned;
use serde_saphyr::{Error, MessageFormatter, UserMessageFormatter};

/// Likeness above which a known name is suggested for an unknown one; 1 is equality.
const SUGGESTION_LIKENESS_MIN: f64 = 0.8;

/// Parses without the parser's budget, which a tenant with ten thousand users exceeds: the operator wrote the file.
pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_saphyr::from_str_with_options(text, serde_saphyr::options! { budget: None })
}

/// What is wrong and what to do.
pub(super) fn error_message(error: &Error) -> String {
    // Without the snippet: the lines around an error may hold secrets.
    let error = error.without_snippet();
    match error {
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("the key `{key}` appears twice; remove one")
        }
        Error::DuplicateMappingKey { key: None, .. } => "a key appears twice; remove one".to_owned(),
        Error::NonFiniteFloat { .. } => "the number is too large or is not a number".to_owned(),
        Error::InvalidScalar { ty, .. } => must_be(ty),
        Error::Unexpected { expected, .. } => must_be(expected),
        Error::Eof { .. } => "the file ends too early".to_owned(),
        Error::MultipleDocuments { .. } => {
            "a second YAML document begins here; write one tenant per file".to_owned()
        }
        Error::UnknownAnchor { .. } => {
            "`*` begins an alias, and no anchor has its name; put the value in quotes if it is a text"
                .to_owned()
        }
        other => UserMessageFormatter.format_message(other).into_owned(),
    }
}

/// What an unquoted number, `true`, `false` or `null` gets where a text is expected: `0123` and `"0123"` are different
/// secrets.
pub(super) const QUOTES_NEEDED: &str =
    "this value is read as a number, true, false or null, but it must be a text; put it in quotes";

/// States the expected type.
pub(super) fn must_be(expected: &str) -> String {
    format!("the value must be {}", plain_type(expected))
}

/// A type in an operator's words, for the names that serde and the parser use.
fn plain_type(name: &str) -> &str {
    match name {
        "boolean" | "bool" | "a boolean" => "true or false",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, not negative and not too large",
        "string scalar" | "a string" => "a text",
        "sequence start" | "a sequence" => "a list",
        "mapping start" | "a map" => "a mapping of names to values",
        other if other.starts_with("struct ") => "a mapping of names to values",
        other => other,
    }
}

/// Suggests the known name that is most like the unknown one.
pub(super) fn unknown_field(name: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > SUGGESTION_LIKENESS_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((_, candidate)) => format!("unknown field `{name}`; did you mean `{candidate}`?"),
        // A short list helps; the Management API's hundred names do not.
        None if known.len() <= 8 => {
            format!("unknown field `{name}`; the fields allowed here are {}", known.join(", "))
        }
        None => format!("unknown field `{name}`; the fields allowed here are those of the Management API"),
    }
}
