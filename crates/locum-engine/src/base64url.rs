//! base64url (RFC 4648 section 5) of the parts of a JWT.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::Simd;
use base64::engine::general_purpose::NO_PAD;

/// Reads and writes many characters at a time, where the processor can.
static URL_SAFE_NO_PAD: LazyLock<Simd> = LazyLock::new(|| Simd::url_safe(NO_PAD));

/// Encodes without padding, as JOSE does (RFC 7515 section 2).
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes a part of a JWT. Padding, white space and unused bits that are set are refused.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    decode_into(text, &mut bytes).then_some(bytes)
}

/// Decodes a part of a JWT into a buffer, which loses what it holds. False for a text with padding, white space or unused bits
/// that are set.
pub fn decode_into(text: &str, bytes: &mut Vec<u8>) -> bool {
    bytes.clear();
    append_decoded(text, bytes)
}

/// The same to the end of a buffer, which loses nothing.
pub(crate) fn append_decoded(text: &str, bytes: &mut Vec<u8>) -> bool {
    URL_SAFE_NO_PAD.decode_vec(text, bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_encodes_and_decodes_as_the_general_engine_does(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let text = encode(&bytes);
            prop_assert_eq!(&text, &BASE64_URL_SAFE_NO_PAD.encode(&bytes));
            prop_assert_eq!(decode(&text), Some(bytes));
        }

        #[test]
        fn it_refuses_what_the_general_engine_refuses(
            bytes in proptest::collection::vec(any::<u8>(), 1..400),
            at in any::<prop::sample::Index>(),
            with in any::<char>(),
        ) {
            let mut text: Vec<char> = encode(&bytes).chars().collect();
            let at = at.index(text.len());
            text[at] = with;
            let text: String = text.into_iter().collect();
            prop_assert_eq!(decode(&text), BASE64_URL_SAFE_NO_PAD.decode(&text).ok());
        }
    }
}
