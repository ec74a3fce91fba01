//! A text that must not be shown: no `Display`, a `Debug` without the text, zeroed on drop.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serializer};
use zeroize::Zeroizing;

/// base64url (RFC 4648 section 5), with or without padding.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A secret text: a key, a password, a client secret.
///
/// It has no `Serialize`. A message that must carry it says so with
/// `#[serde(serialize_with = "Secret::serialize_exposed")]`.
///
/// ```
/// use locum_abi::secret::Secret;
///
/// let secret = Secret::from("hunter2");
/// assert_eq!(secret.expose(), "hunter2");
/// assert_eq!(format!("{secret:?}"), "Secret(…)");
/// ```
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(from = "String")]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text itself. Review every call of this method.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The bytes of a client secret that is stored as base64url; `None` if it is something else.
    ///
    /// Auth0 handed such secrets out with and without padding, so both are decoded.
    pub fn decode_base64url(&self) -> Option<Vec<u8>> {
        BASE64URL.decode(self.expose()).ok()
    }

    /// Writes the text into a message that must carry it.
    pub fn serialize_exposed<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.expose())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A string marked `writeOnly`: JSON Schema's term for a value that tools may set and never show.
#[cfg(feature = "schema")]
impl schemars::JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "writeOnly": true })
    }

    fn inline_schema() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_text() {
        assert_eq!(format!("{:?}", Secret::from("hunter2")), "Secret(…)");
    }

    #[test]
    fn base64url_is_decoded_with_and_without_padding() {
        for text in ["-_8", "-_8="] {
            assert_eq!(Secret::from(text).decode_base64url(), Some(vec![0xfb, 0xff]), "{text}");
        }
        for text in ["+/8=", "not base64url!", "-_8==", "-_9"] {
            assert_eq!(Secret::from(text).decode_base64url(), None, "{text}");
        }
    }
}
