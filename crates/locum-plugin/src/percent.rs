//! Percent-encoding as JavaScript's `encodeURIComponent` does it (ECMA-262), for URLs, form bodies and signatures.

use std::fmt::Display;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Every ASCII character but letters, digits and `-_.!~*'()`.
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

/// Size of most queries, so that they are not copied while they grow.
const QUERY_BYTES_TYPICAL: usize = 256;

/// The text with every character escaped but ASCII letters, digits and `-_.!~*'()`. The hex digits of escapes are upper
/// case, and a space is `%20`.
///
/// An issuer that signs an encoded text must send the same bytes that it signed: encode once and use the result twice.
///
/// `.` stays as it is: refuse `.` and `..` where a value becomes a segment of a path, because URLs are read without them.
///
/// ```
/// # use locum_plugin::percent::percent_encoded;
/// assert_eq!(percent_encoded("https://acme.example.com/a b").to_string(), "https%3A%2F%2Facme.example.com%2Fa%20b");
/// ```
pub fn percent_encoded(text: &str) -> impl Display {
    utf8_percent_encode(text, ESCAPED)
}

/// A query or a form body: `name=value` pairs joined by `&`, in the order given. Values are
/// [percent-encoded](percent_encoded). Names are not, because they come from the plugin's code and never from a caller.
///
/// ```
/// # use locum_plugin::percent::query_string;
/// assert_eq!(query_string(&[("grant_type", "password"), ("user", "a&b")]), "grant_type=password&user=a%26b");
/// ```
pub fn query_string(pairs: &[(&str, &str)]) -> String {
    let mut query = String::with_capacity(QUERY_BYTES_TYPICAL);
    for (name, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(name);
        query.push('=');
        query.extend(utf8_percent_encode(value, ESCAPED));
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_ascii_that_javascript_escapes_is_escaped() {
        let printable: String = (' '..='~').collect();
        assert_eq!(
            percent_encoded(&printable).to_string(),
            "%20!%22%23%24%25%26'()*%2B%2C-.%2F0123456789%3A%3B%3C%3D%3E%3F%40ABCDEFGHIJKLMNOPQRSTUVWXYZ\
             %5B%5C%5D%5E_%60abcdefghijklmnopqrstuvwxyz%7B%7C%7D~"
        );
    }

    #[test]
    fn other_characters_are_escaped_as_their_utf_8_bytes() {
        assert_eq!(percent_encoded("ä\u{0}").to_string(), "%C3%A4%00");
    }

    #[test]
    fn a_value_cannot_smuggle_a_pair_into_a_query() {
        assert_eq!(query_string(&[("a", "1&b=2"), ("c", "+ ")]), "a=1%26b%3D2&c=%2B%20");
    }
}
