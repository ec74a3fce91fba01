//! The published schemas say what the code says. `LOCUM_BLESS=1` writes them.

use std::fs;

use locum_conformance::{fixture_schema, plugin_spec_schema, report_schema};
use serde_json::Value;

use crate::plugin_files::workspace;

fn is_published(file: &str, schema: &Value) {
    let path = workspace().join("fixtures").join(file);
    let stated = format!("{schema:#}\n");
    if std::env::var_os("LOCUM_BLESS").is_some() {
        fs::write(&path, &stated).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == stated, "{} is not what the code says; run the test with LOCUM_BLESS=1", path.display());
}

#[test]
fn the_schema_of_fixtures_is_published() {
    is_published("fixture.schema.json", &fixture_schema());
}

#[test]
fn the_schema_of_sheets_is_published() {
    is_published("plugin.schema.json", &plugin_spec_schema());
}

#[test]
fn the_schema_of_reports_is_published() {
    is_published("report.schema.json", &report_schema());
}
