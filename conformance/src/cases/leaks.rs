//! Searches what host and plugin wrote for secrets and tokens, as they are and in the encodings that code applies by mistake.

use std::ops::Range;

use locum_host::{SECRET_MASK, secret_encodings};
use serde_json::{Map, Value};

use crate::exchange::redaction::without_tokens;
use crate::fixtures::fixture::{SECRET_BYTES_MIN, UpstreamExchange, UpstreamOutcome};

/// The part of a long secret that is also searched by itself.
const PART: Range<usize> = 128..192;

/// Texts that must not occur, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Secrets(Vec<(String, Vec<String>)>);

impl Secrets {
    /// The secrets of these names and values.
    pub(crate) fn of(secrets: &[(String, String)]) -> Self {
        let mut all = Self::default();
        for (name, secret) in secrets {
            all.add(name, secret);
        }
        all
    }

    pub(crate) fn add(&mut self, name: &str, secret: &str) {
        let forms = searched_parts(secret).flat_map(secret_encodings);
        let forms = forms.filter_map(|form| String::from_utf8(form.to_vec()).ok());
        self.0.push((name.to_owned(), forms.collect()));
    }

    /// The names of those that the text contains in any form.
    pub(crate) fn found_in<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a str> {
        let found = self.0.iter().filter(|(_, forms)| forms.iter().any(|form| text.contains(form.as_str())));
        found.map(|(name, _)| name.as_str())
    }
}

/// The texts to search for a secret: each line of a PEM key, because line breaks may be escaped; for a long line also a
/// part from its middle, because a log may cut the line, and because all tokens start alike.
fn searched_parts(secret: &str) -> impl Iterator<Item = &str> {
    let lines = secret
        .lines()
        .map(str::trim)
        .filter(|line| line.len() >= SECRET_BYTES_MIN && !line.starts_with("-----"));
    lines.flat_map(|line| [Some(line), line.get(PART)]).flatten()
}

/// The tokens in the replies of a script: the texts whose names say so, except those that are also in `known`.
pub(crate) fn tokens_of_replies(script: &[UpstreamExchange], known: &[&str]) -> Vec<String> {
    let mut tokens = Vec::new();
    for exchange in script {
        if let Some(UpstreamOutcome::Reply { body, .. }) = &exchange.outcome {
            match serde_json::from_str::<Map<String, Value>>(body) {
                Ok(members) => collect(&Value::Object(members), "", &mut tokens),
                Err(_) => collect_elements(body, &mut tokens),
            }
        }
    }
    tokens.retain(|token| token.len() >= SECRET_BYTES_MIN && !known.contains(&token.as_str()));
    tokens
}

fn collect(value: &Value, name: &str, tokens: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| collect(member, name, tokens)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, name, tokens)),
        Value::String(text) if is_name_of_token(name) => tokens.push(text.clone()),
        _ => {}
    }
}

/// The texts of elements without children, whether the document is whole or not.
fn collect_elements(document: &str, tokens: &mut Vec<String>) {
    for element in document.split('<') {
        if let Some((name, text)) = element.split_once('>')
            && is_name_of_token(name)
        {
            tokens.push(text.to_owned());
        }
    }
}

fn is_name_of_token(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["token", "secret", "password", "secretaccesskey"].iter().any(|end| name.ends_with(end))
}

/// What a text contains that no text but a successful response may: a JWT.
pub(crate) fn token(text: &str) -> Option<&'static str> {
    (without_tokens(text) != text).then_some("a JWT")
}

/// What a text contains that the host masked. A plugin that discloses a secret is at fault even then.
pub(crate) fn masked(text: &str) -> Option<&'static str> {
    text.contains(SECRET_MASK).then_some("a secret that the host masks")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::yaml::parse;

    #[test]
    fn a_secret_is_found_in_every_form_and_another_text_is_not() {
        let secrets = Secrets::of(&[("the key".to_owned(), "hunter2-and-more".to_owned())]);
        for text in [
            "hunter2-and-more",
            "68756e746572322d616e642d6d6f7265",
            "aHVudGVyMi1hbmQtbW9yZQ",
            // After one more byte.
            "eGh1bnRlcjItYW5kLW1vcmU",
            "erom-dna-2retnuh",
        ] {
            assert_eq!(secrets.found_in(&format!("<{text}>")).collect::<Vec<_>>(), ["the key"], "{text}");
        }
        assert_eq!(secrets.found_in("hunter2-and-mor").count(), 0);
    }

    #[test]
    fn a_key_is_searched_line_by_line_and_a_token_also_by_a_part() {
        let key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nshort\n-----END KEY-----";
        assert_eq!(searched_parts(key).collect::<Vec<_>>(), ["MIIEvQIBADANBgkq"]);
        let token: String = (0..300u32).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
        assert_eq!(searched_parts(&token).collect::<Vec<_>>(), [token.as_str(), &token[128..192]]);
    }

    #[test]
    fn the_tokens_of_replies_are_those_whose_names_say_so() {
        let tokens = |body: &str| {
            let exchange = format!("[{{ outcome: {{ reply: {{ status: 200, body: '{body}' }} }} }}]");
            tokens_of_replies(&parse::<Vec<UpstreamExchange>>("e.yaml", &exchange).unwrap(), &["auth0|alice"])
        };
        let json = r#"{"a":[{"access_token":"00Dx!abc"}],"token_type":"Bearer-of","clientSecret":"abcdefgh","token":"short","refresh_token":7}"#;
        assert_eq!(tokens(json), ["00Dx!abc", "abcdefgh"]);
        let xml = "<A><SessionToken>AQoD-abc</SessionToken><SubjectFromWebIdentityToken>auth0|alice</SubjectFromWebIdentityToken><Expiration>2030-01-01</Expiration></A>";
        assert_eq!(tokens(xml), ["AQoD-abc"]);
        assert!(tokens("access_token").is_empty());
    }

    #[test]
    fn a_token_and_a_mask_are_found() {
        assert!(token("it is eyJhbGciOiJub25lIn0.e30.abc").is_some());
        assert!(token("it is eyJhbGciOiJub25lIn0.e30").is_none());
        assert!(masked("the key is [secret]").is_some());
        assert!(masked("the key is secret").is_none());
    }
}
