//! The secrets that an issuer was given, so that its own words can be kept clear of them.

use locum_abi::configuration::Tenant;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::sanitize::sanitized;

/// Shorter texts are no secrets worth the name, and would turn every message into dots.
const SECRET_CHARS_MIN: usize = 6;

/// What must not stand in a log line or an error message of an issuer.
pub(crate) struct SecretMask(Vec<Zeroizing<String>>);

impl SecretMask {
    /// The settings that the schema marks `writeOnly`, and the tenant's private key.
    pub(crate) fn of(schema: &Value, settings: &Map<String, Value>, tenant: &Tenant) -> Self {
        let mut secrets = Self(Vec::new());
        secrets.collect(schema, settings);
        if let Some(key) = &tenant.signing_key {
            secrets.keep(key.private_key_pem.expose());
        }
        secrets
    }

    fn collect(&mut self, schema: &Value, settings: &Map<String, Value>) {
        for (name, value) in settings {
            let Some(known) = schema.get("properties").and_then(|properties| properties.get(name)) else {
                continue;
            };
            match value {
                Value::String(text) if known.get("writeOnly") == Some(&Value::Bool(true)) => self.keep(text),
                Value::Object(inner) => self.collect(known, inner),
                _ => {}
            }
        }
    }

    /// Line by line: a PEM is shown in parts as easily as whole.
    fn keep(&mut self, secret: &str) {
        let telling = |line: &&str| line.len() >= SECRET_CHARS_MIN && !line.starts_with("-----");
        let lines = secret.lines().map(str::trim).filter(telling);
        self.0.extend(lines.map(|line| Zeroizing::new(line.to_owned())));
    }

    /// A plugin's text without its secrets, escaped and cut.
    pub(crate) fn sanitized(&self, text: &str, chars_max: usize) -> String {
        match self.0.iter().any(|secret| text.contains(secret.as_str())) {
            false => sanitized(text, chars_max),
            true => {
                let hide =
                    |text: String, secret: &Zeroizing<String>| text.replace(secret.as_str(), "[secret]");
                sanitized(&self.0.iter().fold(text.to_owned(), hide), chars_max)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use locum_abi::configuration::SigningKey;
    use serde_json::json;

    use super::*;

    fn cleaned_of(text: &str) -> String {
        let schema = json!({"properties": {
            "key": {"type": "string", "writeOnly": true},
            "name": {"type": "string"},
            "inner": {"properties": {"password": {"writeOnly": true}}},
        }});
        let settings =
            json!({"key": "hunter2hunter2", "name": "not-secret", "inner": {"password": "correct horse"}});
        let private_key_pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN\n-----END PRIVATE KEY-----\n".into();
        let signing_key = Some(SigningKey { kid: "k".to_owned(), private_key_pem, certificate_pem: None });
        let tenant = Tenant { domain: "acme.example.com".to_owned(), signing_key };
        SecretMask::of(&schema, settings.as_object().unwrap(), &tenant).sanitized(text, 200)
    }

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        assert_eq!(cleaned_of("bad key hunter2hunter2!"), "bad key [secret]!");
        assert_eq!(cleaned_of("correct horse, MIIEvQIBADAN"), "[secret], [secret]");
    }

    #[test]
    fn other_settings_are_shown() {
        assert_eq!(cleaned_of("not-secret is unknown"), "not-secret is unknown");
    }
}
