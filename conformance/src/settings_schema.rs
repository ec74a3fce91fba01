//! The JSON Schema of a plugin's settings: its top-level properties, and which of them are secret.

use serde_json::{Map, Value};

/// The top-level properties of an object schema, with their names.
pub(crate) fn properties(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    properties.map(|(name, property)| (name.as_str(), property))
}

/// Whether a property is marked as secret with `writeOnly`.
pub(crate) fn is_secret(property: &Value) -> bool {
    property.get("writeOnly") == Some(&Value::Bool(true))
}

/// Names and values of the settings that the schema marks as secret and that are texts.
pub(crate) fn secrets<'a>(
    schema: &'a Value,
    settings: &'a Map<String, Value>,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let secret = properties(schema).filter(|(_, property)| is_secret(property));
    secret.filter_map(|(name, _)| Some((name, settings.get(name)?.as_str()?)))
}
