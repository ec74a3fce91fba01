//! Finds the secrets of an issuer in everything that its plugin returns: as they are, and in the encodings that code
//! applies without much thought. In texts for people they are masked; a credential that contains one is refused.
//!
//! It finds what a plugin discloses by mistake. A plugin that means to disclose a secret can encode it in another way.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::ops::Range;

use locum_abi::answer::{Credential, Failure};
use locum_abi::configuration::Tenant;
use locum_engine::{base64url, jws_parts, printable};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::calling::piece_filter::{PIECE_BYTES, PieceFilter, piece_of};
use crate::calling::secret_encodings::encodings;
use crate::calling::secret_settings::secret_settings;
use crate::limits::{MESSAGE_CHARS_MAX, SECRET_IN_CREDENTIAL_BYTES_MIN, SECRET_IN_TEXT_BYTES_MIN};

/// What a text has in place of a secret.
pub const MASK: &str = "[secret]";

/// The secrets of one issuer.
pub(crate) struct SecretMask {
    secrets: Vec<Secret>,
    /// Sorted by prefix.
    needles: Vec<Needle>,
    filter: PieceFilter,
    /// The random key of the needles' hashes.
    seed: RandomState,
}

/// A secret, without its text.
struct Secret {
    /// For people: the setting, or the tenant's key.
    name: String,
    /// How many of its lines are long enough to be looked for.
    lines: usize,
    /// Whether it is long enough to be looked for in credentials.
    in_credentials: bool,
}

/// A line of a secret in one encoding: not its bytes, but a hash of them under a random key. So it takes 32 bytes however
/// long the secret is, and is no further copy of it. Two texts with one hash and the same beginning do not occur.
struct Needle {
    /// Its first bytes, as [`piece_of`] them.
    prefix: u64,
    hash: u64,
    length: u32,
    secret: u32,
    line: u32,
}

impl SecretMask {
    /// The settings that the schema marks `writeOnly`, and the tenant's private key.
    pub(crate) fn new(schema: &Value, settings: &Map<String, Value>, tenant: &Tenant) -> Self {
        let settings = secret_settings(schema, settings);
        let settings =
            settings.iter().map(|secret| (format!("the setting `{}`", secret.pointer), secret.text));
        let key = tenant.signing_key.iter();
        let key = key.map(|key| ("the tenant's private key".to_owned(), key.private_key_pem.expose()));
        Self::of_texts(settings.chain(key))
    }

    /// These secrets, each with a name for people.
    pub(crate) fn of_texts<'a>(named: impl Iterator<Item = (String, &'a str)>) -> Self {
        let mut secrets = Secrets { known: Vec::new(), needles: Vec::new(), texts: Vec::new() };
        let seed = RandomState::new();
        named.for_each(|(name, text)| secrets.add(name, text, &seed));
        let Secrets { known: mut secrets, mut needles, texts } = secrets;
        let filter =
            PieceFilter::of(texts.iter().map(|(bytes, in_credentials)| (&***bytes, *in_credentials)));
        needles.sort_unstable_by_key(|needle| needle.prefix);
        needles.shrink_to_fit();
        secrets.shrink_to_fit();
        Self { secrets, needles, filter, seed }
    }

    /// The text with its secrets masked, escaped and truncated to this many characters.
    pub(crate) fn sanitized(&self, text: &str, chars_max: usize) -> String {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        self.find(text.as_bytes(), self.filter.candidates(text.as_bytes()), |range, _| ranges.push(range));
        if ranges.is_empty() {
            return printable(text, chars_max);
        }
        ranges.sort_unstable_by_key(|range| range.start);
        let (mut masked, mut shown_to) = (String::new(), 0);
        for range in ranges {
            if range.start >= shown_to {
                // A needle is a whole text, so its ends are ends of characters.
                masked.push_str(text.get(shown_to..range.start).unwrap_or_default());
                masked.push_str(MASK);
            }
            shown_to = shown_to.max(range.end);
        }
        masked.push_str(text.get(shown_to..).unwrap_or_default());
        printable(&masked, chars_max)
    }

    /// Masks and escapes all texts of a failure. A code of an upstream is dropped whole, and the message says so.
    pub(crate) fn mask_failure(&self, failure: &mut Failure) {
        let dropped = failure.upstream_code.take_if(|code| {
            let mut contains_secret = false;
            self.find(code.as_bytes(), self.filter.candidates(code.as_bytes()), |_, _| {
                contains_secret = true
            });
            contains_secret
        });
        if dropped.is_some() {
            failure.message = format!("upstream code {MASK}: {}", failure.message);
        }
        failure.message = self.sanitized(&failure.message, MESSAGE_CHARS_MAX);
        failure.pointer =
            failure.pointer.as_deref().map(|pointer| self.sanitized(pointer, MESSAGE_CHARS_MAX));
    }

    /// The name of a secret that the credential contains, also in the encoded parts of a JWT. Secrets shorter than
    /// [`SECRET_IN_CREDENTIAL_BYTES_MIN`] are not looked for, and of one with several lines more than half must occur: a
    /// private key contains its public key, which may be in a certificate.
    pub(crate) fn disclosed_by(&self, credential: &Credential) -> Option<&str> {
        if self.needles.is_empty() {
            return None;
        }
        let mut found = Vec::new();
        let mut look = |bytes: &[u8]| {
            let candidates = self.filter.candidates_in_strides(bytes);
            self.find(bytes, candidates, |_, needle| found.push((needle.secret as usize, needle.line)));
        };
        match credential {
            Credential::Text(text) => look(text.as_bytes()),
            Credential::Jwt(token) => {
                look(token.as_bytes());
                let mut decoded = Vec::with_capacity(token.len());
                for part in jws_parts(token) {
                    if base64url::decode_into(part, &mut decoded) {
                        look(&decoded);
                    }
                }
            }
            Credential::Object(object) => look(&serde_json::to_vec(object).unwrap_or_default()),
        }
        found.sort_unstable();
        found.dedup();
        let disclosed = |(index, secret): &(usize, &Secret)| {
            secret.in_credentials
                && found.iter().filter(|(owner, _)| owner == index).count() * 2 > secret.lines
        };
        self.secrets.iter().enumerate().find(disclosed).map(|(_, secret)| secret.name.as_str())
    }

    /// Reports each needle that begins at one of these positions.
    fn find(
        &self,
        text: &[u8],
        candidates: impl Iterator<Item = usize>,
        mut report: impl FnMut(Range<usize>, &Needle),
    ) {
        // Not a loop: an iterator of several parts goes through itself faster.
        candidates.for_each(|start| {
            let Some(prefix) = text.get(start..start + PIECE_BYTES).map(piece_of) else { return };
            let first = self.needles.partition_point(|needle| needle.prefix < prefix);
            for needle in self.needles.iter().skip(first).take_while(|needle| needle.prefix == prefix) {
                let end = start + needle.length as usize;
                if text.get(start..end).is_some_and(|found| self.seed.hash_one(found) == needle.hash) {
                    report(start..end, needle);
                }
            }
        });
    }
}

/// The secrets while they are collected.
struct Secrets {
    known: Vec<Secret>,
    needles: Vec<Needle>,
    /// What each needle stands for, and whether it is looked for in credentials.
    texts: Vec<(Zeroizing<Vec<u8>>, bool)>,
}

impl Secrets {
    /// Each line is looked for on its own, since a message may quote a PEM in part.
    fn add(&mut self, name: String, secret: &str, seed: &RandomState) {
        let in_credentials = secret.trim().len() >= SECRET_IN_CREDENTIAL_BYTES_MIN;
        let is_secret = |line: &&str| line.len() >= SECRET_IN_TEXT_BYTES_MIN && !line.starts_with("-----");
        let mut lines = 0;
        for line in secret.lines().map(str::trim).filter(is_secret) {
            for bytes in encodings(line) {
                let Some(prefix) = bytes.get(..PIECE_BYTES).map(piece_of) else { continue };
                // Settings are far shorter than 4 GiB.
                let [Ok(length), Ok(secret), Ok(line)] =
                    [bytes.len(), self.known.len(), lines].map(u32::try_from)
                else {
                    continue;
                };
                let hash = seed.hash_one(bytes.as_slice());
                self.needles.push(Needle { prefix, hash, length, secret, line });
                self.texts.push((bytes, in_credentials));
            }
            lines += 1;
        }
        self.known.push(Secret { name, lines, in_credentials });
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use locum_abi::configuration::SigningKey;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn no_key() -> Tenant {
        Tenant { domain: "acme.example.com".to_owned(), signing_key: None }
    }

    fn mask() -> SecretMask {
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
        SecretMask::new(&schema, settings.as_object().unwrap(), &tenant)
    }

    fn sanitized(text: &str) -> String {
        mask().sanitized(text, 200)
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
    fn secrets_that_overlap_are_masked_together() {
        let schema = json!({"additionalProperties": {"writeOnly": true}});
        let settings = json!({"a": "abcdefgh", "b": "efghijklmn"});
        let mask = SecretMask::new(&schema, settings.as_object().unwrap(), &no_key());
        assert_eq!(mask.sanitized("x abcdefghijklmn y", 99), "x [secret] y");
    }

    #[test]
    fn a_secret_is_masked_in_every_common_encoding() {
        let secret = "s3cr/t\"+\u{e9} pass";
        let schema = json!({"properties": {"key": {"writeOnly": true}}});
        let settings = json!({"key": secret});
        let mask = SecretMask::new(&schema, settings.as_object().unwrap(), &no_key());
        // Written out, not computed by the code under test.
        for encoded in [
            "s3cr/t\"+é pass",
            "733363722f74222bc3a92070617373",
            "733363722F74222BC3A92070617373",
            "czNjci90IivDqSBwYXNz",
            "s3cr%2Ft%22%2B%C3%A9%20pass",
            "s3cr%2ft%22%2b%c3%a9%20pass",
            "s3cr%2Ft%22%2B%C3%A9+pass",
            "ssap é+\"t/rc3s",
            r#"s3cr/t\"+é pass"#,
            r#"s3cr\/t\"+é pass"#,
            r#"s3cr/t\"+\u00e9 pass"#,
        ] {
            let shown = mask.sanitized(&format!("<{encoded}>"), 999);
            assert!(shown.contains("[secret]") && !shown.contains("pass"), "{encoded}: {shown}");
        }
        for prefix in ["", "a", "bc"] {
            for suffix in ["", "d", "ef"] {
                let bytes = format!("{prefix}{secret}{suffix}");
                for encoded in [
                    base64::engine::general_purpose::STANDARD.encode(&bytes),
                    base64::engine::general_purpose::STANDARD_NO_PAD.encode(&bytes),
                    base64::engine::general_purpose::URL_SAFE.encode(&bytes),
                    URL_SAFE_NO_PAD.encode(&bytes),
                ] {
                    let shown = mask.sanitized(&encoded, 999);
                    let rest = shown.replace("[secret]", "");
                    assert!(shown.contains("[secret]") && rest.len() <= 10, "{encoded}: {shown}");
                }
            }
        }
    }

    #[test]
    fn every_text_of_a_failure_is_masked() {
        let mut failure = Failure::upstream_refused("hunter2-and-more", "it is hunter2");
        failure.pointer = Some("/hunter2".to_owned());
        mask().mask_failure(&mut failure);
        assert_eq!(failure.upstream_code, None);
        assert_eq!(
            (failure.message.as_str(), failure.pointer.as_deref()),
            ("upstream code [secret]: it is [secret]", Some("/[secret]"))
        );
        let mut failure = Failure::upstream_refused("AccessDenied", "no");
        mask().mask_failure(&mut failure);
        assert_eq!(failure.upstream_code.as_deref(), Some("AccessDenied"));
    }

    fn jwt(claims: &Value) -> Credential {
        Credential::Jwt(format!(
            "{}.{}.c2ln",
            URL_SAFE_NO_PAD.encode("{}"),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        ))
    }

    #[test]
    fn a_credential_with_a_secret_is_refused_in_every_form() {
        let mask = mask();
        let object = |value: Value| Credential::Object(value.as_object().unwrap().clone());
        for disclosing in [
            Credential::Text("a hunter2-and-more".to_owned()),
            Credential::Text(URL_SAFE_NO_PAD.encode("xhunter2-and-more")),
            object(json!({"a": [{"b": "hunter2-and-more"}]})),
            object(json!({"hunter2-and-more": 1})),
            jwt(&json!({"x": "hunter2-and-more"})),
            jwt(&json!({"x": hex::encode("hunter2-and-more")})),
        ] {
            assert_eq!(mask.disclosed_by(&disclosing), Some("the setting `/key`"), "{disclosing:?}");
        }
        for harmless in [
            Credential::Text("a hunter2-and-mor".to_owned()),
            // Seven bytes are too short to be told from other text.
            Credential::Text("a hunter2".to_owned()),
            object(json!({"a": "not-secret"})),
            jwt(&json!({"sub": "auth0|alice"})),
        ] {
            assert_eq!(mask.disclosed_by(&harmless), None, "{harmless:?}");
        }
    }

    proptest! {
        #[test]
        fn a_secret_is_found_wherever_it_is(
            secret in "[ -~]{8,40}",
            before in "[a-z]{0,60}",
            after in "[a-z]{0,60}",
        ) {
            let secret = secret.trim();
            prop_assume!(secret.len() >= SECRET_IN_CREDENTIAL_BYTES_MIN && !secret.starts_with("-----"));
            let schema = json!({"properties": {"key": {"writeOnly": true}}});
            let mask = SecretMask::new(&schema, json!({"key": secret}).as_object().unwrap(), &no_key());
            let disclosing = Credential::Text(format!("{before}{secret}{after}"));
            prop_assert!(mask.disclosed_by(&disclosing).is_some());
            let harmless = Credential::Text(format!("{before}{after}"));
            prop_assume!(!format!("{before}{after}").contains(secret));
            prop_assert_eq!(mask.disclosed_by(&harmless), None);
        }
    }

    #[test]
    fn a_key_is_disclosed_by_more_than_half_of_its_lines() {
        let private_key_pem =
            "-----BEGIN KEY-----\nAAAAAAAAAAAB\nCCCCCCCCCCCD\nEEEEEEEEEEEF\nGGGGGGGGGGGH\n-----END-----\n"
                .into();
        let signing_key = Some(SigningKey { kid: "k".to_owned(), private_key_pem, certificate_pem: None });
        let tenant = Tenant { domain: "acme.example.com".to_owned(), signing_key };
        let mask = SecretMask::new(&json!({}), &Map::new(), &tenant);
        let text = |text: &str| Credential::Text(text.to_owned());
        assert_eq!(mask.disclosed_by(&text("AAAAAAAAAAABCCCCCCCCCCCD")), None);
        let three = text("AAAAAAAAAAABCCCCCCCCCCCDGGGGGGGGGGGH");
        assert_eq!(mask.disclosed_by(&three), Some("the tenant's private key"));
        assert_eq!(mask.disclosed_by(&text("x EEEEEEEEEEEF x EEEEEEEEEEEF")), None);
        assert_eq!(mask.sanitized("x EEEEEEEEEEEF", 99), "x [secret]");
    }

    #[test]
    fn other_settings_are_shown() {
        assert_eq!(sanitized("not-secret is unknown"), "not-secret is unknown");
    }
}
