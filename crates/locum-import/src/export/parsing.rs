//! Parses the files of an export, after their markers were expanded.

use serde_json::{Map, Value};

use crate::{DeployConfig, Folder, ImportError, markers, source_text};

/// A file of JSON as an object; `None` if there is no such file.
pub(super) fn json_object(
    folder: &Folder,
    path: &str,
    config: &DeployConfig,
) -> Result<Option<Map<String, Value>>, ImportError> {
    match json(folder, path, config)? {
        None => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(ImportError::file(path, "it must hold a JSON object; export it again")),
    }
}

/// A file of JSON; `None` if there is no such file.
pub(super) fn json(folder: &Folder, path: &str, config: &DeployConfig) -> Result<Option<Value>, ImportError> {
    let Some(text) = folder.text(path)? else { return Ok(None) };
    let text = markers::expand(text, &config.mappings)?;
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| unexpanded(path, &text, source_text::not_json(path, &error)))
}

/// A text of YAML as a mapping.
pub(super) fn yaml_mapping(
    file: &str,
    text: String,
    config: &DeployConfig,
) -> Result<Map<String, Value>, ImportError> {
    let text = markers::expand(text, &config.mappings)?;
    // Without the parser's budget, which a large tenant exceeds; its limits for aliases hold. `oN` is a text, as js-yaml,
    // which wrote the export, has it.
    let options = serde_saphyr::options! { budget: None, strict_booleans: true };
    match serde_saphyr::from_str_with_options::<Value>(&text, options) {
        Ok(Value::Object(mapping)) => Ok(mapping),
        Ok(_) => {
            Err(ImportError::file(file, "it must hold a mapping with the member `clients`; export it again"))
        }
        Err(error) => {
            let place =
                error.location().map(|at| format!(": see line {}, column {}", at.line(), at.column()));
            let why = format!("it is not YAML that can be read{}", place.unwrap_or_default());
            Err(unexpanded(file, &text, ImportError::file(file, why)))
        }
    }
}

/// A marker without quotes is neither JSON nor YAML: the error, or the marker as its likely reason.
fn unexpanded(file: &str, text: &str, error: ImportError) -> ImportError {
    match markers::left_in(text) {
        Some(marker) => ImportError::file(
            file,
            format!(
                "it contains the marker {marker}, which was not replaced; give config.json with --config, and in it this key under AUTH0_KEYWORD_REPLACE_MAPPINGS"
            ),
        ),
        None => error,
    }
}
