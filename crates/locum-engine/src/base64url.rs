//! base64url (RFC 4648 section 5) of the parts of a JWT.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Encodes without padding, as JOSE does (RFC 7515 section 2).
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes a part of a JWT. Padding, white space and unused bits that are set are refused.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    decode_into(text, &mut bytes).then_some(bytes)
}

/// The same into a buffer, which loses what it holds. False if the text is refused.
pub(crate) fn decode_into(text: &str, bytes: &mut Vec<u8>) -> bool {
    bytes.clear();
    append_decoded(text, bytes)
}

/// The same to the end of a buffer.
pub(crate) fn append_decoded(text: &str, bytes: &mut Vec<u8>) -> bool {
    URL_SAFE_NO_PAD.decode_vec(text, bytes).is_ok()
}
