//! What is shown of a signing key: Auth0's fields, of which none is private.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use pem::Pem;
use serde_json::Value;

use crate::body::Members;
use crate::signing_keys::key_set::{CURRENT_SINCE, CURRENT_UNTIL, PUBLISHED_SINCE, Place, kid};

/// The type of a certificate in PEM (RFC 7468 section 5).
const CERTIFICATE: &str = "CERTIFICATE";

/// What is shown of a key.
pub(super) fn shown(entry: &Members, place: Place) -> Members {
    let mut shown = Members::new();
    shown.insert("kid".to_owned(), kid(entry).into());
    if let Some(certificate) = certificate(entry) {
        let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate.contents());
        let bytes: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
        shown.insert("cert".to_owned(), pem::encode(&certificate).into());
        shown.insert("pkcs7".to_owned(), pem::encode(&pkcs7(&certificate)).into());
        shown.insert("fingerprint".to_owned(), bytes.join(":").into());
        shown.insert("thumbprint".to_owned(), bytes.concat().into());
    }
    for (name, of) in [("current", Place::Current), ("next", Place::Next), ("previous", Place::Previous)] {
        shown.insert(name.to_owned(), (of == place).into());
    }
    for name in [CURRENT_SINCE, CURRENT_UNTIL, PUBLISHED_SINCE] {
        if let Some(time) = entry.get(name).filter(|time| time.is_string()) {
            shown.insert(name.to_owned(), time.clone());
        }
    }
    // A key that is revoked is there no more.
    shown.insert("revoked".to_owned(), false.into());
    shown
}

/// The certificate of a key. Anything else given as one may be a private key, and is not shown.
pub(super) fn certificate(entry: &Members) -> Option<Pem> {
    let text = entry.get("certificate").and_then(Value::as_str)?;
    // Exports often contain `\n` as two characters at the end of a line.
    let pem = pem::parse(text.replace("\\r", "").replace("\\n", "\n")).ok()?;
    (pem.tag() == CERTIFICATE).then(|| Pem::new(CERTIFICATE, pem.into_contents()))
}

/// The certificate in a message of PKCS #7 that has neither content nor signatures (RFC 2315 section 9.1).
fn pkcs7(certificate: &Pem) -> Pem {
    const SEQUENCE: u8 = 0x30;
    const SET: u8 = 0x31;
    const CONTEXT_0: u8 = 0xa0;
    const VERSION_1: [u8; 3] = [0x02, 1, 1];
    /// 1.2.840.113549.1.7.1 and 1.2.840.113549.1.7.2.
    const DATA: [u8; 11] = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
    const SIGNED_DATA: [u8; 11] = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
    let signed_data = der(
        SEQUENCE,
        &[
            &VERSION_1,
            &der(SET, &[]),
            &der(SEQUENCE, &[&DATA]),
            &der(CONTEXT_0, &[certificate.contents()]),
            &der(SET, &[]),
        ],
    );
    Pem::new("PKCS7", der(SEQUENCE, &[&SIGNED_DATA, &der(CONTEXT_0, &[&signed_data])]))
}

/// A value with its tag and length in DER (X.690 section 8.1).
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut encoded = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => encoded.push(short),
        _ => {
            let length: Vec<u8> =
                content.len().to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            encoded.push(0x80 | u8::try_from(length.len()).unwrap_or(u8::MAX));
            encoded.extend(length);
        }
    }
    encoded.extend(content);
    encoded
}
