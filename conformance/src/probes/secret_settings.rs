//! Are all settings that hold secrets marked as such in the schema? Only marked ones are masked.

use locum_host::{secret_setting_names, secret_settings};
use serde_json::{Map, Value};

use crate::fixtures::credential_reading::{CredentialReading, VerifyingKey};
use crate::probes::context::{Found, NotRun, ProbeContext};
use crate::report::Difference;

/// What the names of secrets end with, in lower case without separators.
const NAMES: [&str; 14] = [
    "secret",
    "password",
    "passphrase",
    "privatekey",
    "secretkey",
    "accesskey",
    "signingkey",
    "masterkey",
    "sharedkey",
    "apikey",
    "saskey",
    "accesstoken",
    "refreshtoken",
    "apitoken",
];

/// The header fields that hold nothing but a credential.
const CREDENTIAL_HEADERS: [&str; 3] = ["x-api-key", "api-key", "x-auth-token"];

/// The settings that hold a secret and that the schema does not mark.
pub(crate) fn secrets_are_marked(context: &ProbeContext<'_>) -> Found {
    let schema = &context.manifest.settings_schema;
    if context.settings_schema().next().is_none() {
        return Err(NotRun("needs a setting".to_owned()));
    }
    let marked: Vec<String> =
        secret_settings(schema, &context.settings).into_iter().map(|secret| secret.pointer).collect();
    let mut texts = Vec::new();
    collect("", &Value::Object(context.settings.clone()), &mut texts);
    let mut unmarked: Vec<(String, &str)> = Vec::new();
    for (pointer, text) in texts.into_iter().filter(|(pointer, _)| !marked.contains(pointer)) {
        unmarked.extend(why_secret(context, &pointer, &text).map(|why| (pointer, why)));
    }
    let marked = secret_setting_names(schema);
    for (name, property) in context.settings_schema() {
        let pointer = format!("/{name}");
        let is_known = marked.contains(&name) || unmarked.iter().any(|(known, _)| *known == pointer);
        if !is_known && is_text(property) && has_name_of_secret(name) {
            unmarked.push((pointer, "its name is that of a secret"));
        }
    }
    Ok(unmarked.into_iter().map(|(pointer, why)| difference(&pointer, why)).collect())
}

fn difference(pointer: &str, why: &str) -> Difference {
    let expected = format!(
        "`writeOnly: true` in the settings schema, because {why}; give its field the type `Secret`, or `PrivateKey` if the host signs with it"
    );
    Difference::new(
        format!("setting {pointer}"),
        expected,
        "a setting that messages, log lines and reports may show",
    )
}

/// Why a text is a secret, if it is one.
fn why_secret(context: &ProbeContext<'_>, pointer: &str, text: &str) -> Option<&'static str> {
    let name = pointer.trim_start_matches('/');
    let reading = &context.spec.credential;
    let verifies = matches!(reading, CredentialReading::Jwt(jwt) if jwt.verifies_with == VerifyingKey::SecretInSetting(name.to_owned()));
    let reasons = [
        (is_private_key(text), "it holds a private key"),
        (verifies, "`verifies_with` of plugin.yaml says that it is a key"),
        (context.never_seen.contains(&text), "`never_seen` of a case names its value"),
        (
            authenticates(context, text),
            "plugin.yaml says that the plugin authenticates with it at an upstream",
        ),
        (has_name_of_secret(name.rsplit('/').next().unwrap_or_default()), "its name is that of a secret"),
    ];
    reasons.into_iter().find(|(holds, _)| *holds && !text.is_empty()).map(|(_, why)| why)
}

/// A private key, PEM or JWK.
fn is_private_key(text: &str) -> bool {
    let is_private =
        |jwk: Map<String, Value>| jwk.contains_key("kty") && (jwk.contains_key("d") || jwk.contains_key("k"));
    text.contains("PRIVATE KEY-----") || serde_json::from_str(text).is_ok_and(is_private)
}

/// Whether an exchange of the plugin spec states the text as a credential of the request.
fn authenticates(context: &ProbeContext<'_>, text: &str) -> bool {
    let exchanges = context.spec.upstream.iter().chain(&context.spec.revocation);
    let mut requests = exchanges.filter_map(|exchange| exchange.request.as_ref());
    requests.any(|request| {
        let headers = request.headers.iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        let mut in_headers = headers.map(|(name, value)| {
            let scheme = value.split_once(' ').map(|(scheme, _)| scheme.to_ascii_lowercase());
            match (name.to_ascii_lowercase().as_str(), scheme.as_deref()) {
                ("authorization", Some("basic")) => {
                    value.trim_end_matches('}').split_once(':').is_some_and(|(_, password)| password == text)
                }
                ("authorization", Some(_)) => value.split_once(' ').is_some_and(|(_, token)| token == text),
                (name, _) => CREDENTIAL_HEADERS.contains(&name) && value == text,
            }
        });
        let mut in_form = request
            .form
            .iter()
            .map(|(name, value)| value.as_deref() == Some(text) && has_name_of_secret(name));
        in_headers.any(|is_it| is_it) || in_form.any(|is_it| is_it)
    })
}

fn has_name_of_secret(name: &str) -> bool {
    let name: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    NAMES.iter().any(|end| name.ends_with(end))
}

/// Whether a schema allows a text, and no other than a few fixed ones.
fn is_text(property: &Value) -> bool {
    let kinds = property.get("type");
    let is_string = |kind: &Value| kind == "string";
    let allows = kinds.is_some_and(|kinds| {
        is_string(kinds) || kinds.as_array().is_some_and(|kinds| kinds.iter().any(is_string))
    });
    allows && property.get("enum").is_none()
}

/// The texts of a value, each with its JSON pointer.
fn collect(pointer: &str, value: &Value, texts: &mut Vec<(String, String)>) {
    let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
    match value {
        Value::String(text) => texts.push((pointer.to_owned(), text.clone())),
        Value::Object(members) => {
            members
                .iter()
                .for_each(|(name, member)| collect(&format!("{pointer}/{}", escaped(name)), member, texts));
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, item)| collect(&format!("{pointer}/{index}"), item, texts));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_secrets_are_found_in_every_spelling() {
        for name in ["secret", "clientSecret", "client_secret", "API-Key", "sasKey", "servicePassword"] {
            assert!(has_name_of_secret(name), "{name}");
        }
        for name in ["sasKeyName", "keyId", "tokenEndpointUrl", "public_key", "key_vault", "secret_encoded"] {
            assert!(!has_name_of_secret(name), "{name}");
        }
    }

    #[test]
    fn private_keys_are_found_in_both_forms() {
        assert!(is_private_key("-----BEGIN EC PRIVATE KEY-----\nx"));
        assert!(is_private_key(r#"{"kty":"EC","crv":"P-256","d":"x"}"#));
        assert!(!is_private_key("-----BEGIN PUBLIC KEY-----\nx"));
        assert!(!is_private_key(r#"{"kty":"EC","crv":"P-256","x":"x"}"#));
    }

    #[test]
    fn texts_have_pointers_and_choices_are_no_texts() {
        let mut texts = Vec::new();
        collect("", &json!({ "a/b": [1, "x"], "c": { "d": "y" } }), &mut texts);
        let expected = [("/a~1b/1", "x"), ("/c/d", "y")];
        assert_eq!(texts, expected.map(|(pointer, text)| (pointer.to_owned(), text.to_owned())));
        assert!(is_text(&json!({ "type": ["string", "null"] })));
        assert!(!is_text(&json!({ "type": "integer" })));
        assert!(!is_text(&json!({ "type": "string", "enum": ["a"] })));
    }
}
