//! The published JSON Schemas equal those of the code. `LOCUM_BLESS=1` writes them.

use std::fs;

use locum_conformance::{fixture_schema, plugin_spec_schema, report_schema, token_exchange_schema};
use serde_json::Value;

use crate::plugin_files::workspace;

fn assert_published(file: &str, schema: &Value) {
    let path = workspace().join("fixtures").join(file);
    let stated = format!("{schema:#}\n");
    if std::env::var_os("LOCUM_BLESS").is_some() {
        fs::write(&path, &stated).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == stated, "{} differs from the code; run this test with LOCUM_BLESS=1", path.display());
}

#[test]
fn the_schema_of_fixtures_is_published() {
    assert_published("fixture.schema.json", &fixture_schema());
}

#[test]
fn the_schema_of_plugin_specs_is_published() {
    assert_published("plugin.schema.json", &plugin_spec_schema());
}

#[test]
fn the_schema_of_reports_is_published() {
    assert_published("report.schema.json", &report_schema());
}

#[test]
fn the_schema_of_the_settings_for_token_exchange_is_published() {
    assert_published("token-exchange.schema.json", &token_exchange_schema());
}
