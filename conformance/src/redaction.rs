//! What a report shows of an exchange: tokens and secrets by their kind and size, everything else as it is.

/// Longest text that a report shows in one place, in characters.
const SHOWN_MAX: usize = 2000;

/// The text without tokens, signatures and these secrets.
pub(crate) fn redacted(text: &str, secrets: &[(String, String)]) -> String {
    let mut text = text.to_owned();
    for (name, secret) in secrets.iter().filter(|(_, secret)| secret.len() >= 8) {
        text = text.replace(secret, &format!("<{name}>"));
        let escaped = secret.replace('\n', "\\n");
        text = text.replace(&escaped, &format!("<{name}>"));
    }
    let text = without_signatures(&without_tokens(&text));
    match text.char_indices().nth(SHOWN_MAX) {
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

/// `sig=<signature a%2Bb…>` in place of each signature of a query: its start tells two apart and proves nothing.
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
    fn tokens_are_shown_by_kind_and_size() {
        let text = r#"{"id_token":"eyJhbGciOiJub25lIn0.e30.abc","a":"eyJ is no token"}"#;
        assert_eq!(redacted(text, &[]), r#"{"id_token":"<jwt 27 bytes>","a":"eyJ is no token"}"#);
    }

    #[test]
    fn signatures_of_queries_are_not_shown() {
        assert_eq!(redacted("sr=b&sig=a%2Bb%3Dcde&sp=r", &[]), "sr=b&sig=<signature a%2Bb%…>&sp=r");
    }

    #[test]
    fn secrets_are_shown_by_name_however_they_are_written() {
        let secrets = [("the key".to_owned(), "line one\nline two".to_owned())];
        assert_eq!(redacted("a line one\\nline two b", &secrets), "a <the key> b");
        assert_eq!(redacted("a line one\nline two b", &secrets), "a <the key> b");
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(redacted(&"x".repeat(2003), &[]), format!("{}<3 more bytes>", "x".repeat(2000)));
    }
}
