//! Reads the files that are named on the command line besides the export.

use std::path::Path;

use locum_store::text_file;

use crate::ImportError;
use crate::limits::FILE_BYTES_MAX;

/// The text of a regular file.
pub(crate) fn read(path: &Path) -> Result<String, ImportError> {
    text_file::read(path, FILE_BYTES_MAX)
        .map(|text| text.to_string())
        .map_err(|error| ImportError::file(path.display().to_string(), format!("cannot read it: {error}")))
}

/// Says where a JSON text is wrong, and no value of it.
pub(crate) fn not_json(file: &str, error: &serde_json::Error) -> ImportError {
    let why = format!("it is not JSON: see line {}, column {}", error.line(), error.column());
    ImportError::file(file, why)
}
