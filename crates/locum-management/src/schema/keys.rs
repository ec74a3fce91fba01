//! What signing keys are.

use serde_json::{Value, json};

use crate::schema::object::{closed, fields, text, time};

/// A signing key.
pub(super) fn signing_key() -> Value {
    let flag = || json!({ "type": "boolean" });
    let all = fields([
        ("kid", text()),
        ("cert", text()),
        ("pkcs7", text()),
        ("fingerprint", text()),
        ("thumbprint", text()),
        ("current", flag()),
        ("next", flag()),
        ("previous", flag()),
        ("current_since", time()),
        ("current_until", time()),
        ("published_since", time()),
        ("revoked", flag()),
    ]);
    closed(all, &["kid", "current", "next", "previous", "revoked"])
}

/// The key that was made or revoked.
pub(super) fn changed_signing_key() -> Value {
    closed(fields([("kid", text()), ("cert", text())]), &["kid"])
}
