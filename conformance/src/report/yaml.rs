//! The report as YAML, for machines and for the record.

use super::Report;

impl Report {
    /// The report as YAML.
    pub fn to_yaml(&self) -> String {
        // Texts, numbers and lists: there is nothing in a report that YAML cannot say.
        serde_saphyr::to_string(self).unwrap_or_default()
    }
}
