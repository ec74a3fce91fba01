//! Finds the secrets of an issuer in everything that its plugin returns: as they are, and in the encodings that code
//! applies without much thought. In texts for people they are masked; a credential that contains one is refused.
//!
//! It finds what a plugin discloses by mistake. A plugin that means to disclose a secret can encode it in another way.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use locum_abi::answer::{Credential, Failure};
use locum_abi::configuration::Tenant;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::calling::secret_encodings::encodings;
use crate::calling::secret_settings::secret_settings;
use crate::limits::{MESSAGE_CHARS_MAX, SECRET_IN_CREDENTIAL_BYTES_MIN, SECRET_IN_TEXT_BYTES_MIN};
use crate::sanitize::sanitized;

/// Bytes of a needle by which it is looked up. No needle is shorter.
const PREFIX_BYTES: usize = SECRET_IN_TEXT_BYTES_MIN;
const FILTER_BITS: u32 = 12;

/// Most positions of a credential from one look to the next.
const STRIDE_MAX: usize = 16;

/// Most pieces of needles in the filter: with more of them, looks are often in vain.
const PIECES_MAX: usize = 1 << (FILTER_BITS - 3);

/// The secrets of one issuer.
pub(crate) struct SecretMask {
    secrets: Vec<Secret>,
    /// Sorted by prefix.
    needles: Vec<Needle>,
    /// Which pieces of [`PREFIX_BYTES`] there are, by a hash: most positions of a text are passed with one look. A piece is
    /// the prefix of a needle or, if the needle is looked for in credentials, begins before its `stride`.
    filter: Box<[u64]>,
    /// In a credential, the first of so many positions is looked at: each needle has a piece at one of them.
    stride: usize,
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

/// A line of a secret in one encoding.
struct Needle {
    prefix: u64,
    bytes: Zeroizing<Vec<u8>>,
    secret: usize,
    line: usize,
}

impl SecretMask {
    /// The settings that the schema marks `writeOnly`, and the tenant's private key.
    pub(crate) fn new(schema: &Value, settings: &Map<String, Value>, tenant: &Tenant) -> Self {
        let filter = vec![0; 1 << (FILTER_BITS - 6)].into_boxed_slice();
        let mut mask = Self { secrets: Vec::new(), needles: Vec::new(), filter, stride: 1 };
        for secret in secret_settings(schema, settings) {
            mask.add(format!("the setting `{}`", secret.pointer), secret.text);
        }
        if let Some(key) = &tenant.signing_key {
            mask.add("the tenant's private key".to_owned(), key.private_key_pem.expose());
        }
        mask.needles.sort_unstable_by_key(|needle| needle.prefix);
        mask.fill_filter();
        mask
    }

    fn fill_filter(&mut self) {
        let in_credentials =
            |needle: &&Needle| self.secrets.get(needle.secret).is_some_and(|secret| secret.in_credentials);
        let lengths = self.needles.iter().filter(in_credentials).map(|needle| needle.bytes.len());
        let (count, shortest) =
            lengths.fold((0, usize::MAX), |(n, least), length| (n + 1, least.min(length)));
        let pieces_each = PIECES_MAX.checked_div(count).unwrap_or(1);
        self.stride = (shortest - PREFIX_BYTES + 1).min(STRIDE_MAX).min(pieces_each).max(1);
        for needle in &self.needles {
            let pieces = if in_credentials(&needle) { self.stride } else { 1 };
            for piece in needle.bytes.windows(PREFIX_BYTES).take(pieces) {
                let (word, bit) = filter_place(piece_of(piece));
                if let Some(word) = self.filter.get_mut(word) {
                    *word |= bit;
                }
            }
        }
    }

    /// Looks for each line on its own, since a message may quote a PEM in part.
    fn add(&mut self, name: String, secret: &str) {
        let is_secret = |line: &&str| line.len() >= SECRET_IN_TEXT_BYTES_MIN && !line.starts_with("-----");
        let mut lines = 0;
        for line in secret.lines().map(str::trim).filter(is_secret) {
            for bytes in encodings(line) {
                let Some(prefix) = bytes.get(..PREFIX_BYTES).map(piece_of) else { continue };
                self.needles.push(Needle { prefix, bytes, secret: self.secrets.len(), line: lines });
            }
            lines += 1;
        }
        let in_credentials = secret.trim().len() >= SECRET_IN_CREDENTIAL_BYTES_MIN;
        self.secrets.push(Secret { name, lines, in_credentials });
    }

    /// The text with its secrets masked, escaped and truncated to this many characters.
    pub(crate) fn sanitized(&self, text: &str, chars_max: usize) -> String {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        self.find(text.as_bytes(), 1, |range, _| ranges.push(range));
        if ranges.is_empty() {
            return sanitized(text, chars_max);
        }
        ranges.sort_unstable_by_key(|range| range.start);
        let (mut masked, mut shown_to) = (String::new(), 0);
        for range in ranges {
            if range.start >= shown_to {
                // A needle is a whole text, so its ends are ends of characters.
                masked.push_str(text.get(shown_to..range.start).unwrap_or_default());
                masked.push_str("[secret]");
            }
            shown_to = shown_to.max(range.end);
        }
        masked.push_str(text.get(shown_to..).unwrap_or_default());
        sanitized(&masked, chars_max)
    }

    /// Masks and escapes all texts of a failure. A code of an upstream is dropped whole.
    pub(crate) fn mask_failure(&self, failure: &mut Failure) {
        failure.upstream_code.take_if(|code| {
            let mut contains_secret = false;
            self.find(code.as_bytes(), 1, |_, _| contains_secret = true);
            contains_secret
        });
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
            self.find(bytes, self.stride, |_, needle| found.push((needle.secret, needle.line)));
        };
        match credential {
            Credential::Text(text) => look(text.as_bytes()),
            Credential::Jwt(token) => {
                look(token.as_bytes());
                let mut decoded = Vec::with_capacity(token.len());
                for part in token.split('.') {
                    decoded.clear();
                    if URL_SAFE_NO_PAD.decode_vec(part, &mut decoded).is_ok() {
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

    /// Reports each place at which a needle is. The filter is asked at the first of `stride` positions only.
    fn find(&self, text: &[u8], stride: usize, mut report: impl FnMut(Range<usize>, &Needle)) {
        if self.needles.is_empty() {
            return;
        }
        for (index, piece) in text.windows(PREFIX_BYTES).step_by(stride).enumerate() {
            let (word, bit) = filter_place(piece_of(piece));
            if self.filter.get(word).is_none_or(|word| word & bit == 0) {
                continue;
            }
            let last = index * stride;
            for start in (last + 1).saturating_sub(stride)..=last {
                self.needles_at(text, start, &mut report);
            }
        }
    }

    /// Reports the needles that begin here.
    fn needles_at(&self, text: &[u8], start: usize, report: &mut impl FnMut(Range<usize>, &Needle)) {
        let Some(rest) = text.get(start..) else { return };
        let Some(prefix) = rest.get(..PREFIX_BYTES).map(piece_of) else { return };
        let first = self.needles.partition_point(|needle| needle.prefix < prefix);
        for needle in self.needles.iter().skip(first).take_while(|needle| needle.prefix == prefix) {
            if rest.starts_with(&needle.bytes) {
                report(start..start + needle.bytes.len(), needle);
            }
        }
    }
}

/// A piece of [`PREFIX_BYTES`] as a number.
fn piece_of(bytes: &[u8]) -> u64 {
    let mut piece = [0; 8];
    for (place, byte) in piece.iter_mut().zip(bytes) {
        *place = *byte;
    }
    u64::from_le_bytes(piece)
}

/// The word of the filter and the bit in it.
fn filter_place(piece: u64) -> (usize, u64) {
    let hash = piece.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - FILTER_BITS);
    ((hash >> 6) as usize, 1 << (hash & 63))
}

#[cfg(test)]
mod tests {
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
            ("it is [secret]", Some("/[secret]"))
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
            "-----BEGIN PRIVATE KEY-----\nAAAAAAAAAAAB\nCCCCCCCCCCCD\nEEEEEEEEEEEF\n-----END-----\n".into();
        let signing_key = Some(SigningKey { kid: "k".to_owned(), private_key_pem, certificate_pem: None });
        let tenant = Tenant { domain: "acme.example.com".to_owned(), signing_key };
        let mask = SecretMask::new(&json!({}), &Map::new(), &tenant);
        let text = |text: &str| Credential::Text(text.to_owned());
        assert_eq!(mask.disclosed_by(&text("AAAAAAAAAAABCCCCCCCCCCCD")), Some("the tenant's private key"));
        assert_eq!(mask.disclosed_by(&text("x EEEEEEEEEEEF x EEEEEEEEEEEF")), None);
        assert_eq!(mask.sanitized("x EEEEEEEEEEEF", 99), "x [secret]");
    }

    #[test]
    fn other_settings_are_shown() {
        assert_eq!(sanitized("not-secret is unknown"), "not-secret is unknown");
    }
}
