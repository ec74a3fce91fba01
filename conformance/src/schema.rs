//! The JSON Schemas of fixtures, plugin specs and reports, derived from their types.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use crate::fixtures::fixture::Fixture;
use crate::fixtures::plugin_spec::PluginSpec;
use crate::report::Report;

/// The schema of a fixture.
pub fn fixture_schema() -> Value {
    schema_of::<Fixture>()
}

/// The schema of `plugin.yaml`.
pub fn plugin_spec_schema() -> Value {
    schema_of::<PluginSpec>()
}

/// The schema of `report.yaml`.
pub fn report_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    Schema::to_value(generator.into_root_schema_for::<Report>())
}

fn schema_of<T: JsonSchema>() -> Value {
    Schema::to_value(SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>())
}
