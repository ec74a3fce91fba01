//! The JSON Schemas of fixtures, plugin specs and reports, derived from their types.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use crate::fixtures::fixture::Fixture;
use crate::fixtures::plugin_spec::PluginSpec;
use crate::report::Report;
use crate::token_exchange::SettingsFile;

/// The schema of a fixture.
pub fn fixture_schema() -> Value {
    let mut schema = schema_of::<Fixture>();
    allow_placeholders(&mut schema);
    schema
}

/// The schema of `plugin.yaml`.
pub fn plugin_spec_schema() -> Value {
    schema_of::<PluginSpec>()
}

/// The schema of the settings of the profile `token-exchange`.
pub fn token_exchange_schema() -> Value {
    schema_of::<SettingsFile>()
}

/// The schema of `report.yaml`.
pub fn report_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    Schema::to_value(generator.into_root_schema_for::<Report>())
}

fn schema_of<T: JsonSchema>() -> Value {
    Schema::to_value(SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>())
}

/// Allows `${variant}` and `${variant.member}` for every property and item whose schema does not allow strings.
fn allow_placeholders(schema: &mut Value) {
    let Value::Object(members) = schema else { return };
    for (name, member) in &mut *members {
        match member {
            Value::Object(properties) if name == "properties" => {
                for (_, property) in properties.iter_mut().filter(|(name, _)| *name != "variants") {
                    allow_placeholders(property);
                    or_placeholder(property);
                }
            }
            Value::Array(schemas) => schemas.iter_mut().for_each(allow_placeholders),
            items if name == "items" => {
                allow_placeholders(items);
                or_placeholder(items);
            }
            member => allow_placeholders(member),
        }
    }
}

fn or_placeholder(schema: &mut Value) {
    let allows_strings = match schema.get("type") {
        Some(Value::Array(types)) => types.iter().any(|kind| kind == "string"),
        Some(kind) => kind == "string",
        // A schema without a type either refers to another one or allows every value.
        None => !["$ref", "anyOf", "oneOf", "allOf"].iter().any(|name| schema.get(*name).is_some()),
    };
    if allows_strings {
        return;
    }
    let Value::Object(members) = schema else { return };
    let documentation = ["description", "default"].map(|name| (name, members.shift_remove(name)));
    let placeholder = json!({ "type": "string", "pattern": r"^\$\{variant(\.[a-z_]+)?\}$" });
    let mut either = json!({ "anyOf": [members, placeholder] });
    for (name, text) in documentation {
        if let (Some(either), Some(text)) = (either.as_object_mut(), text) {
            either.insert(name.to_owned(), text);
        }
    }
    *schema = either;
}
