//! Parameters of query strings, and what they may be.

use crate::error::ApiError;

/// A parameter of a query string.
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) value: ParameterValue,
    /// One line for the description.
    pub(crate) summary: &'static str,
}

/// What a parameter may be.
pub(crate) enum ParameterValue {
    /// A number from the first to the second.
    Number(u32, u32),
    Flag,
    Text,
    /// A text that must be there, and must not be empty.
    Required,
    /// A text of this form, as a regular expression for the description. Whoever reads the parameter checks it.
    Form(&'static str),
    /// One word of these.
    Word(&'static [&'static str]),
}

impl Parameter {
    pub(crate) fn check(&self, value: &str) -> Result<(), ApiError> {
        let is_digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        let expected = match self.value {
            ParameterValue::Required if value.is_empty() => "a text".to_owned(),
            ParameterValue::Number(least, most)
                if !is_digits
                    || !value.parse::<u32>().is_ok_and(|number| (least..=most).contains(&number)) =>
            {
                format!("a number from {least} to {most}")
            }
            ParameterValue::Flag if !matches!(value, "true" | "false") => "true or false".to_owned(),
            ParameterValue::Word(words) if !words.contains(&value) => words.join(" or "),
            ParameterValue::Number(..)
            | ParameterValue::Flag
            | ParameterValue::Word(_)
            | ParameterValue::Form(_)
            | ParameterValue::Required
            | ParameterValue::Text => return Ok(()),
        };
        Err(ApiError::invalid_query(format!("{} must be {expected}", self.name)))
    }
}
