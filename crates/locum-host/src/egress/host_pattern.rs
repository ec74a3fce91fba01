//! Host names with wildcards, as manifests declare upstreams.

use std::fmt;

/// A host name in which `*` matches exactly one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostPattern(String);

impl HostPattern {
    /// Parses a pattern of lower-case labels. The last two must be literal, so that no pattern matches a whole top-level
    /// domain.
    ///
    /// # Errors
    /// A text that names the pattern and the rule.
    pub(crate) fn parse(pattern: &str) -> Result<Self, String> {
        let labels: Vec<&str> = pattern.split('.').collect();
        let literal = |label: &str| !label.is_empty() && label.bytes().all(is_label_byte);
        let well_formed = labels.len() >= 2
            && labels.iter().all(|label| *label == "*" || literal(label))
            && labels.iter().rev().take(2).all(|label| literal(label))
            && labels.last().is_some_and(|label| label.bytes().any(|byte| byte.is_ascii_lowercase()));
        if well_formed {
            Ok(Self(pattern.to_owned()))
        } else {
            Err(format!(
                "`{pattern}` is not a host pattern: use lower-case labels, `*` only for a whole label, and not in the last two"
            ))
        }
    }

    pub(crate) fn matches(&self, domain: &str) -> bool {
        let mut labels = domain.split('.');
        let all_match = self.0.split('.').all(|expected| match labels.next() {
            Some(label) if expected == "*" => !label.is_empty() && label.bytes().all(is_label_byte),
            label => label == Some(expected),
        });
        all_match && labels.next().is_none()
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_ends_with_two_literal_labels() {
        for valid in ["a.b", "*.b.c", "a.*.b.c", "*.*.b.c", "a-1.b2.co"] {
            assert!(HostPattern::parse(valid).is_ok(), "{valid}");
        }
        for invalid in [
            "*", "*.com", "a.*", "a", "", "A.b", "a..b", ".a.b", "a.b.", "a*.b.c", "1.2.3.4", "a.b:443",
            "a.b/",
        ] {
            assert!(HostPattern::parse(invalid).is_err(), "{invalid}");
        }
    }
}
