//! What the answers below `/locum` are.

use serde_json::{Value, json};

use crate::schema::object::{closed, fields, text, time};

/// An issuer besides the tenant.
pub(super) fn issuer() -> Value {
    let word = |words: &[&str]| json!({ "type": "string", "enum": words });
    let all = fields([
        ("issuer", text()),
        ("kind", word(&["former", "trusted"])),
        ("keys", word(&["none", "tenant", "jwks_uri", "discovery", "other"])),
        ("keys_url", text()),
        ("keys_state", word(&["not_needed", "fetching", "fetched", "failing"])),
        ("keys_fetched_at", time()),
        ("keys_failure", text()),
    ]);
    closed(all, &["issuer", "kind", "keys"])
}

/// A plugin.
pub(super) fn plugin() -> Value {
    let pause = fields([
        ("by", json!({ "type": "string", "enum": ["operator", "deaths"] })),
        ("api_type", text()),
        ("until", time()),
    ]);
    let all = fields([
        ("name", text()),
        ("version", text()),
        ("sha256", text()),
        ("api_types", texts()),
        ("isolation", text()),
        ("available", json!({ "type": "boolean" })),
        ("pauses", json!({ "type": "array", "items": closed(pause, &["by"]) })),
    ]);
    closed(all, &["name", "version", "sha256", "api_types", "isolation", "available", "pauses"])
}

/// A client that can have credentials for another.
pub(super) fn reaching_client() -> Value {
    let all =
        fields([("target", text()), ("client_id", text()), ("through", texts()), ("api_types", texts())]);
    closed(all, &["target", "client_id", "through", "api_types"])
}

fn texts() -> Value {
    json!({ "type": "array", "items": text() })
}
