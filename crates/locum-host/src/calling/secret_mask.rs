//! Masks the secrets of an issuer in its own log lines and error messages.

use std::cmp::Reverse;

use locum_abi::configuration::Tenant;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::calling::secret_settings::secret_settings;
use crate::sanitize::sanitized;

/// Shorter texts are not masked: they occur in ordinary messages by chance.
const SECRET_BYTES_MIN: usize = 6;

/// The secrets of one issuer, which its log lines and error messages must not show.
pub(crate) struct SecretMask(Vec<Zeroizing<String>>);

impl SecretMask {
    /// Masks the settings that the schema marks `writeOnly`, and the tenant's private key.
    pub(crate) fn new(schema: &Value, settings: &Map<String, Value>, tenant: &Tenant) -> Self {
        let mut mask = Self(Vec::new());
        for secret in secret_settings(schema, settings) {
            mask.add(secret.text);
        }
        if let Some(key) = &tenant.signing_key {
            mask.add(key.private_key_pem.expose());
        }
        // Longest first: a secret that is part of another one must not uncover the rest of it.
        mask.0.sort_by_key(|secret| Reverse(secret.len()));
        mask
    }

    /// Masks each line on its own, since a message may quote a PEM in part.
    fn add(&mut self, secret: &str) {
        let is_secret = |line: &&str| line.len() >= SECRET_BYTES_MIN && !line.starts_with("-----");
        let lines = secret.lines().map(str::trim).filter(is_secret);
        self.0.extend(lines.map(|line| Zeroizing::new(line.to_owned())));
    }

    /// The text with its secrets masked, escaped and truncated to this many characters.
    pub(crate) fn sanitized(&self, text: &str, chars_max: usize) -> String {
        if !self.0.iter().any(|secret| text.contains(secret.as_str())) {
            return sanitized(text, chars_max);
        }
        let mask = |text: String, secret: &Zeroizing<String>| text.replace(secret.as_str(), "[secret]");
        sanitized(&self.0.iter().fold(text.to_owned(), mask), chars_max)
    }
}

#[cfg(test)]
mod tests {
    use locum_abi::configuration::SigningKey;
    use serde_json::json;

    use super::*;

    fn sanitized(text: &str) -> String {
        let schema = json!({"properties": {
            "short": {"type": "string", "writeOnly": true},
            "key": {"type": "string", "writeOnly": true},
            "name": {"type": "string"},
            "inner": {"$ref": "#/$defs/Inner"},
        }, "$defs": {"Inner": {"properties": {"password": {"writeOnly": true}}}}});
        let settings = json!({"key": "hunter2-and-more", "short": "hunter2", "name": "not-secret", "inner": {"password": "correct horse"}});
        let private_key_pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN\n-----END PRIVATE KEY-----\n".into();
        let signing_key = Some(SigningKey { kid: "k".to_owned(), private_key_pem, certificate_pem: None });
        let tenant = Tenant { domain: "acme.example.com".to_owned(), signing_key };
        SecretMask::new(&schema, settings.as_object().unwrap(), &tenant).sanitized(text, 200)
    }

    #[test]
    fn every_secret_is_masked() {
        assert_eq!(sanitized("bad key hunter2-and-more!"), "bad key [secret]!");
        assert_eq!(sanitized("correct horse, MIIEvQIBADAN"), "[secret], [secret]");
    }

    #[test]
    fn a_secret_that_contains_another_is_masked_completely() {
        assert_eq!(sanitized("hunter2-and-more hunter2"), "[secret] [secret]");
        assert_eq!(sanitized("hunter2!"), "[secret]!");
    }

    #[test]
    fn other_settings_are_shown() {
        assert_eq!(sanitized("not-secret is unknown"), "not-secret is unknown");
    }
}
