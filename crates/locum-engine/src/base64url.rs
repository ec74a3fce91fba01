//! base64url (RFC 4648 section 5) in the two strictnesses that the wire needs.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const PADDED_OR_NOT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes the parts of a JWT: no padding, no stray bits, no blanks.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Decodes a client secret, which was handed out with and without padding.
pub(crate) fn decode_padded_or_not(text: &str) -> Option<Vec<u8>> {
    PADDED_OR_NOT.decode(text).ok()
}
