//! Redaction: reports show the kind and size of tokens, and the names of secrets, instead of their values.

use crate::fixtures::fixture::SECRET_BYTES_MIN;

/// Maximum length of a text in a report, in characters.
const SHOWN_CHARS_MAX: usize = 2000;

/// The text without tokens, signatures and these secrets, cut to the maximum length.
pub(crate) fn redacted(text: &str, secrets: &[(String, String)]) -> String {
    let mut text = text.to_owned();
    for (name, secret) in secrets.iter().filter(|(_, secret)| secret.len() >= SECRET_BYTES_MIN) {
        text = text.replace(secret, &format!("<{name}>"));
        let escaped = secret.replace('\n', "\\n");
        text = text.replace(&escaped, &format!("<{name}>"));
    }
    let text = without_signatures(&without_tokens(&text));
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        None => text,
        Some((end, _)) => format!("{}<{} more bytes>", text.get(..end).unwrap_or_default(), text.len() - end),
    }
}

/// `<jwt 612 bytes>` in place of each compact JWT.
fn without_tokens(text: &str) -> String {
    let of_token = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("eyJ") {
        let (before, from) = rest.split_at(at);
        let end = from.find(|c| !of_token(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        shown.push_str(before);
        if word.matches('.').count() == 2 {
            shown.push_str(&format!("<jwt {} bytes>", word.len()));
        } else {
            shown.push_str(word);
        }
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// `sig=<signature a%2Bb…>` in place of each signature of a query. Its first characters tell two signatures apart.
fn without_signatures(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("sig=") {
        let (before, from) = rest.split_at(at + "sig=".len());
        let end =
            from.find(|c: char| !(c.is_ascii_alphanumeric() || "%+/=-_".contains(c))).unwrap_or(from.len());
        shown.push_str(before);
        let start: String = from.chars().take(6.min(end)).collect();
        shown.push_str(&format!("<signature {start}…>"));
        rest = from.get(end..).unwrap_or_default();
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_replaced_by_its_kind_and_size() {
        let text = r#"{"id_token":"eyJhbGciOiJub25lIn0.e30.abc","a":"eyJ is not a token"}"#;
        assert_eq!(redacted(text, &[]), r#"{"id_token":"<jwt 27 bytes>","a":"eyJ is not a token"}"#);
    }

    #[test]
    fn a_signature_in_a_query_is_cut() {
        assert_eq!(redacted("sr=b&sig=a%2Bb%3Dcde&sp=r", &[]), "sr=b&sig=<signature a%2Bb%…>&sp=r");
    }

    #[test]
    fn a_secret_is_replaced_by_its_name_also_with_escaped_line_breaks() {
        let secrets = [("the key".to_owned(), "line one\nline two".to_owned())];
        assert_eq!(redacted("a line one\\nline two b", &secrets), "a <the key> b");
        assert_eq!(redacted("a line one\nline two b", &secrets), "a <the key> b");
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(redacted(&"x".repeat(2003), &[]), format!("{}<3 more bytes>", "x".repeat(2000)));
    }
}
