//! Objects and lists in JSON Schema.

use serde_json::{Map, Value, json};

/// An object that may have other fields.
pub(super) fn object(fields: Map<String, Value>, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": fields, "required": required })
}

/// One that has no other fields.
pub(super) fn closed(fields: Map<String, Value>, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": fields, "required": required, "additionalProperties": false })
}

/// Fields with their schemas.
pub(super) fn fields<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.map(|(name, schema)| (name.to_owned(), schema)).into_iter().collect()
}

/// A text.
pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

/// A moment.
pub(super) fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

/// A list of entries: alone, with totals, or with a checkpoint.
pub(super) fn paged(name: &str, entry: &Value) -> Value {
    let entries = json!({ "type": "array", "items": entry });
    json!({ "anyOf": [
        entries,
        {
            "type": "object",
            "properties": {
                name: entries,
                "start": { "type": "integer" },
                "limit": { "type": "integer" },
                "length": { "type": "integer" },
                "total": { "type": "integer" },
                "next": { "type": "string" },
            },
            "required": [name],
            "additionalProperties": false,
        },
    ]})
}
