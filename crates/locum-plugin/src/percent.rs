//! Percent-encoding as JavaScript's `encodeURIComponent` does it (ECMA-262), for URLs, form bodies and signatures.

use std::fmt::{Display, Write as _};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but letters, digits and `-_.!~*'()`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// The text with everything escaped but letters, digits and `-_.!~*'()`. Escapes are upper case, a blank is `%20`.
///
/// An issuer that signs an encoded text must send the very bytes that it signed: encode once, use twice.
///
/// ```
/// # use locum_plugin::percent::percent_encoded;
/// assert_eq!(percent_encoded("https://acme.example.com/a b").to_string(), "https%3A%2F%2Facme.example.com%2Fa%20b");
/// ```
pub fn percent_encoded(text: &str) -> impl Display {
    utf8_percent_encode(text, ESCAPED)
}

/// `name=value` pairs joined by `&`, values [percent-encoded](percent_encoded), in the order given: a query or a
/// form body. Names stand as they are: they are the author's own, never a caller's.
pub fn query_of(pairs: &[(&str, &str)]) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        // Writing to a String does not fail.
        let _ = write!(query, "{name}={}", percent_encoded(value));
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ascii_that_java_script_escapes_is_escaped_and_no_other() {
        let printable: String = (' '..='~').collect();
        assert_eq!(
            percent_encoded(&printable).to_string(),
            "%20!%22%23%24%25%26'()*%2B%2C-.%2F0123456789%3A%3B%3C%3D%3E%3F%40ABCDEFGHIJKLMNOPQRSTUVWXYZ\
             %5B%5C%5D%5E_%60abcdefghijklmnopqrstuvwxyz%7B%7C%7D~"
        );
    }

    #[test]
    fn other_characters_are_escaped_byte_by_byte_of_utf_8() {
        assert_eq!(percent_encoded("ä\u{0}").to_string(), "%C3%A4%00");
    }

    #[test]
    fn a_value_cannot_smuggle_a_pair_into_a_query() {
        assert_eq!(query_of(&[("a", "1&b=2"), ("c", "+ ")]), "a=1%26b%3D2&c=%2B%20");
    }
}
