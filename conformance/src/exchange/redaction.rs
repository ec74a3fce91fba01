//! Redaction: reports show the kind and size of tokens, and the names of secrets, instead of their values.

use locum_host::secret_encodings;

use crate::fixtures::fixture::SECRET_BYTES_MIN;

/// Maximum length of a text in a report, in characters.
const SHOWN_CHARS_MAX: usize = 2000;

/// The text without tokens, signatures and these secrets, cut to the maximum length.
pub(crate) fn redacted(text: &str, secrets: &[(String, String)]) -> String {
    let mut text = text.to_owned();
    for (name, secret) in secrets.iter().filter(|(_, secret)| secret.len() >= SECRET_BYTES_MIN) {
        for form in forms(secret) {
            text = text.replace(&form, &format!("<{name}>"));
        }
    }
    let text = without_signatures(&without_tokens(&text));
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        None => text,
        Some((end, _)) => format!("{}<{} more bytes>", text.get(..end).unwrap_or_default(), text.len() - end),
    }
}

/// A secret as it is and in every encoding, and each line of one with several.
fn forms(secret: &str) -> Vec<String> {
    let lines = secret.lines().filter(|line| line.len() >= SECRET_BYTES_MIN && *line != secret);
    let lines = lines.filter(|line| !line.starts_with("-----"));
    let whole = [secret.to_owned(), secret.replace('\n', "\\n")];
    let encoded = std::iter::once(secret).chain(lines).flat_map(secret_encodings);
    let encoded = encoded.filter_map(|form| String::from_utf8(form.to_vec()).ok());
    whole.into_iter().chain(encoded).collect()
}

/// `<jwt 612 bytes>` in place of each compact JWT, also of one whose `.`, `-` and `_` are escaped.
pub(crate) fn without_tokens(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = OBJECT_STARTS.iter().filter_map(|start| rest.find(start)).min() {
        let (before, from) = rest.split_at(at);
        let (end, dots) = end_of_token(from);
        let (word, after) = from.split_at(end);
        shown.push_str(before);
        if dots >= 2 {
            shown.push_str(&format!("<jwt {} bytes>", word.len()));
        } else {
            shown.push_str(word);
        }
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// The first letters of a JSON object in base64url, by the character after its brace: a quotation mark or white space.
const OBJECT_STARTS: [&str; 5] = ["eyJ", "eyA", "ewo", "ewk", "ew0"];

/// Where the token at the start of a text ends, in bytes, and the number of its dots.
fn end_of_token(text: &str) -> (usize, usize) {
    let (mut end, mut dots) = (0, 0);
    while let Some(rest) = text.get(end..).filter(|rest| !rest.is_empty()) {
        if let Some((character, length)) = escaped_character(rest) {
            dots += usize::from(character == '.');
            end += length;
        } else if rest.starts_with(|c: char| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
            dots += usize::from(rest.starts_with('.'));
            end += 1;
        } else {
            break;
        }
    }
    (end, dots)
}

/// The `.`, `-` or `_` that is escaped at the start of a text, and the length of the escape in bytes: `%2E`, `%2e`, the
/// same encoded again (`%252E`), or `\u002e`.
fn escaped_character(text: &str) -> Option<(char, usize)> {
    let code = match text.strip_prefix('%') {
        Some(mut code) => {
            while let Some(inner) = code.strip_prefix("25") {
                code = inner;
            }
            code
        }
        None => text.strip_prefix("\\u00")?,
    };
    let character = match code.get(..2)?.to_ascii_lowercase().as_str() {
        "2e" => '.',
        "2d" => '-',
        "5f" => '_',
        _ => return None,
    };
    Some((character, text.len() - code.len() + 2))
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
    fn an_escaped_token_is_replaced_too() {
        for dot in [".", "%2E", "%2e", "%252E", "%252e", "\\u002e", "\\u002E"] {
            for dash in ["-", "%2D", "%5f", "%255F", "_"] {
                let token = format!("eyJhbGciOiJub25lIn0{dot}e3{dash}0{dot}abc{dash}");
                let shown = redacted(&format!("id_token={token}&target=api"), &[]);
                assert_eq!(shown, format!("id_token=<jwt {} bytes>&target=api", token.len()));
            }
        }
    }

    #[test]
    fn a_token_of_five_parts_and_one_with_white_space_in_its_header_are_replaced() {
        for token in
            ["eyJhbGciOiJub25lIn0..a.b.c", "eyAiYWxnIjogIm5vbmUiIH0.e30.", "ewogImFsZyI6ICJub25lIn0.e30.abc"]
        {
            assert_eq!(redacted(token, &[]), format!("<jwt {} bytes>", token.len()));
        }
    }

    #[test]
    fn a_text_that_is_not_a_token_stays_as_it_is() {
        for text in [
            "eyJ",
            "eyJhbGciOiJub25lIn0.e30",
            "eyJhbGciOiJub25lIn0%3De30.a.b",
            "eyJ%2",
            "eyJ%2525",
            "eyJé.é.é",
        ] {
            assert_eq!(redacted(text, &[]), text);
        }
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
    fn a_percent_encoded_secret_is_replaced_by_its_name() {
        let secrets = [("the key".to_owned(), "secret/of a+key".to_owned())];
        for encoded in ["secret%2Fof%20a%2Bkey", "secret%2fof%20a%2bkey", "secret%2Fof+a%2Bkey"] {
            assert_eq!(redacted(&format!("k={encoded}&b"), &secrets), "k=<the key>&b", "{encoded}");
        }
    }

    #[test]
    fn a_secret_in_hex_base64_or_reversed_is_replaced_by_its_name() {
        let secrets = [("the key".to_owned(), "correct horse".to_owned())];
        for encoded in ["636f727265637420686f727365", "Y29ycmVjdCBob3JzZQ", "esroh tcerroc"] {
            assert!(redacted(&format!("k={encoded}"), &secrets).starts_with("k=<the key>"), "{encoded}");
        }
        assert_eq!(redacted("k=correct hors", &secrets), "k=correct hors");
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(redacted(&"x".repeat(2003), &[]), format!("{}<3 more bytes>", "x".repeat(2000)));
    }
}
