//! Hides tokens in texts that were not meant to hold one, before an error or the audit repeats them.

use std::borrow::Cow;

const MASK: &str = "[token]";

/// The text with `[token]` in the place of everything that looks like a JWT: base64url that begins as a JSON object does
/// (`eyJ`), a dot, and more. What has no dot stays: the `Auth0-Client` header is base64 of JSON.
pub fn mask_tokens(text: &str) -> Cow<'_, str> {
    // Most texts are short, and `contains` is made for long ones.
    if !text.as_bytes().windows(3).any(|window| matches!(window, b"eyJ")) {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find("eyJ") {
        let (before, candidate) = rest.split_at(begin);
        masked.push_str(before);
        let end = candidate.find(|character| !is_of_a_token(character)).unwrap_or(candidate.len());
        let (candidate, after) = candidate.split_at(end);
        let is_token = candidate.split_once('.').is_some_and(|(_, payload)| !payload.is_empty());
        masked.push_str(if is_token { MASK } else { candidate });
        rest = after;
    }
    masked.push_str(rest);
    Cow::Owned(masked)
}

fn is_of_a_token(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.' | '=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jwt_is_masked_wherever_it_stands() {
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln";
        for (text, masked) in [
            (jwt.to_owned(), "[token]"),
            (format!("Bearer {jwt}"), "Bearer [token]"),
            (format!("x{jwt}, {jwt}; y"), "x[token], [token]; y"),
            ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.".to_owned(), "[token]"),
            ("eyJhbGciOiJkaXIifQ..aXY.Y2lwaGVy.dGFn".to_owned(), "[token]"),
            (format!("\"{}\"", &jwt[..30]), "\"[token]\""),
        ] {
            assert_eq!(mask_tokens(&text), masked);
        }
    }

    #[test]
    fn what_is_no_jwt_stays() {
        for text in ["", "eyJ", "eyJuYW1lIjoiYXV0aDAuanMifQ==", "a.b.c", "curl/8.1 (eyJ)", "keyJ. next", "é"]
        {
            assert_eq!(mask_tokens(text), text);
        }
    }
}
