//! The `config.json` of the deploy CLI: the domain, the markers, and how the export was made.

use std::path::Path;

use serde_json::{Map, Value};

use crate::ImportError;
use crate::source_text;

/// What the import needs of `config.json`.
#[derive(Clone, Default, PartialEq)]
pub struct DeployConfig {
    /// `AUTH0_DOMAIN`: the tenant's domain at Auth0.
    pub domain: Option<String>,
    /// `AUTH0_KEYWORD_REPLACE_MAPPINGS`: what stands for the markers of the export.
    pub mappings: Map<String, Value>,
    /// `AUTH0_EXPORT_ORDERED`: whether the export has sorted the keys of all objects.
    pub is_ordered: bool,
}

impl DeployConfig {
    /// Reads the file.
    ///
    /// # Errors
    /// It is no JSON object, or one of these members has another type.
    pub fn read(path: &Path) -> Result<Self, ImportError> {
        let shown = path.display().to_string();
        let text = source_text::read(path)?;
        let config = serde_json::from_str(&text).map_err(|error| source_text::not_json(&shown, &error))?;
        Self::from_json(&config).map_err(|why| ImportError::file(shown, why))
    }

    fn from_json(config: &Value) -> Result<Self, String> {
        let config = config.as_object().ok_or("write a JSON object")?;
        let domain =
            match config.get("AUTH0_DOMAIN") {
                None | Some(Value::Null) => None,
                Some(Value::String(domain)) => Some(host_of(domain).ok_or(
                    "AUTH0_DOMAIN must be the tenant's host name at Auth0, such as acme.eu.auth0.com",
                )?),
                Some(_) => return Err("AUTH0_DOMAIN must be a text".to_owned()),
            };
        let mappings = match config.get("AUTH0_KEYWORD_REPLACE_MAPPINGS") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(mappings)) => mappings.clone(),
            Some(_) => {
                return Err("AUTH0_KEYWORD_REPLACE_MAPPINGS must be an object of keys and values".to_owned());
            }
        };
        let is_ordered = match config.get("AUTH0_EXPORT_ORDERED") {
            Some(Value::Bool(is_ordered)) => *is_ordered,
            Some(Value::String(text)) => text == "true",
            _ => false,
        };
        Ok(Self { domain, mappings, is_ordered })
    }
}

/// The host, and a port if there is one. The deploy CLI takes no scheme, but people write one.
fn host_of(domain: &str) -> Option<String> {
    let domain = domain.trim().trim_start_matches("https://").trim_end_matches('/').to_ascii_lowercase();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
    (!domain.is_empty() && domain.chars().all(allowed)).then_some(domain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_domain_is_read_with_and_without_a_scheme() {
        for written in ["acme.eu.auth0.com", "https://acme.eu.auth0.com/", "ACME.eu.auth0.com"] {
            let config = DeployConfig::from_json(&json!({"AUTH0_DOMAIN": written})).unwrap();
            assert_eq!(config.domain.as_deref(), Some("acme.eu.auth0.com"));
        }
    }

    #[test]
    fn a_domain_that_is_no_host_name_is_refused() {
        for written in ["", "acme.eu.auth0.com/login", "a b", "${env:X}"] {
            assert!(DeployConfig::from_json(&json!({"AUTH0_DOMAIN": written})).is_err(), "{written}");
        }
    }
}
