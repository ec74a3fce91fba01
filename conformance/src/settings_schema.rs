//! The top-level properties of a JSON Schema.

use serde_json::Value;

/// The top-level properties of an object schema, with their names.
pub(crate) fn properties(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    properties.map(|(name, property)| (name.as_str(), property))
}
