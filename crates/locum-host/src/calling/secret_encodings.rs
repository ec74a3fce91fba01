//! The forms in which a secret leaves a program by mistake: quoted, encoded for a URL or for JSON, printed as hex.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// The secret as it is and in each encoding, each form once.
///
/// ```
/// let forms = locum_host::secret_encodings("correct horse");
/// assert!(forms.iter().any(|form| form.as_slice() == b"636f727265637420686f727365"));
/// ```
pub fn encodings(secret: &str) -> Vec<Zeroizing<Vec<u8>>> {
    let mut forms: Vec<Zeroizing<Vec<u8>>> = Vec::new();
    let mut add = |form: String| {
        let form = Zeroizing::new(form.into_bytes());
        if !forms.contains(&form) {
            forms.push(form);
        }
    };
    add(secret.to_owned());
    add(hex::encode(secret));
    add(hex::encode_upper(secret));
    for alphabet in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        for bytes_before in 0..3 {
            add(base64_inside(secret, &alphabet, bytes_before));
        }
    }
    add(secret.chars().rev().collect());
    if secret.bytes().all(is_unreserved) {
        // URLs and JSON leave it as it is.
        return forms;
    }
    for blank in ["%20", "+"] {
        for upper in [true, false] {
            add(percent_encoded(secret, blank, upper));
        }
    }
    let json = json_escaped(secret, false);
    add(json.replace('/', "\\/"));
    add(json);
    add(json_escaped(secret, true));
    forms
}

/// The base64 characters that depend on the secret only, if so many other bytes precede it in a group of three. Padding and
/// the characters that it shares with its neighbours are not among them.
fn base64_inside(secret: &str, alphabet: &GeneralPurpose, bytes_before: usize) -> String {
    let before = [0; 3];
    let before = before.get(..bytes_before).unwrap_or_default();
    let bytes = Zeroizing::new([before, secret.as_bytes()].concat());
    let encoded = alphabet.encode(&*bytes);
    let first = (bytes_before * 8).div_ceil(6);
    let end = bytes.len() * 8 / 6;
    encoded.get(first..end).unwrap_or_default().to_owned()
}

/// Everything but the unreserved characters of RFC 3986 encoded.
fn percent_encoded(secret: &str, blank: &str, upper: bool) -> String {
    let mut encoded = String::with_capacity(3 * secret.len());
    for byte in secret.bytes() {
        // Writing to a String does not fail.
        let _ = match byte {
            b' ' => encoded.write_str(blank),
            _ if is_unreserved(byte) => encoded.write_char(char::from(byte)),
            _ if upper => write!(encoded, "%{byte:02X}"),
            _ => write!(encoded, "%{byte:02x}"),
        };
    }
    encoded
}

/// The unreserved characters of RFC 3986.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// The secret as it is in a JSON string, optionally in ASCII only.
fn json_escaped(secret: &str, ascii: bool) -> String {
    let quoted = serde_json::to_string(secret).unwrap_or_default();
    let inner = quoted.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or_default();
    let mut escaped = String::new();
    for char in inner.chars() {
        if ascii && !char.is_ascii() {
            for unit in char.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(char);
        }
    }
    escaped
}
