//! A pattern of attribute names: a name, or the beginning or end of one.

use std::str::FromStr;

/// A pattern of attribute names, such as `salary`, `hr_*` or `*_ssn`. Case does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributePattern {
    /// The name itself.
    Name(String),
    /// `hr_*`: every name that begins so.
    Beginning(String),
    /// `*_ssn`: every name that ends so.
    Ending(String),
}

impl AttributePattern {
    /// Whether the name, in lower case, is one of the pattern's.
    pub(crate) fn matches(&self, lower_case: &str) -> bool {
        match self {
            Self::Name(name) => lower_case == name,
            Self::Beginning(beginning) => lower_case.starts_with(beginning.as_str()),
            Self::Ending(ending) => lower_case.ends_with(ending.as_str()),
        }
    }
}

impl FromStr for AttributePattern {
    type Err = InvalidAttributePattern;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.to_ascii_lowercase();
        let (pattern, rest): (fn(String) -> Self, &str) =
            match (text.strip_suffix('*'), text.strip_prefix('*')) {
                (Some(beginning), _) => (Self::Beginning, beginning),
                (None, Some(ending)) => (Self::Ending, ending),
                (None, None) => (Self::Name, &text),
            };
        if rest.is_empty() || rest.contains('*') {
            return Err(InvalidAttributePattern);
        }
        Ok(pattern(rest.to_owned()))
    }
}

/// Why a text is not a pattern of attribute names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write the name of an attribute, or its beginning or end with one `*`, as hr_* or *_ssn")]
pub struct InvalidAttributePattern;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_star_stands_at_the_beginning_or_the_end() {
        assert_eq!("Salary".parse(), Ok(AttributePattern::Name("salary".to_owned())));
        assert_eq!("hr_*".parse(), Ok(AttributePattern::Beginning("hr_".to_owned())));
        assert_eq!("*_ssn".parse(), Ok(AttributePattern::Ending("_ssn".to_owned())));
        for text in ["", "*", "**", "*a*", "a*b", "a**"] {
            assert_eq!(text.parse::<AttributePattern>(), Err(InvalidAttributePattern), "{text}");
        }
    }
}
