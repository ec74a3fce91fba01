//! The report as YAML.

use crate::report::model::Report;

/// The report as YAML.
pub fn to_yaml(report: &Report) -> String {
    // Every field of a report is a text, a number or a list, so serialization does not fail.
    serde_saphyr::to_string(report).unwrap_or_default()
}
