//! Tenant files: the Management API's own field names in YAML. A file with any error is refused as a whole.
//!
//! A file is parsed twice: once into the model, so that an unknown key or a wrong type is reported with its line; then,
//! with `${env:NAME}` and `${file:PATH}` filled in, into what becomes [`TenantData`](crate::TenantData).

mod build;
mod field_error;
mod ignored;
mod model;
mod position;
mod references;
mod yaml;

use std::fmt;
use std::path::Path;

use serde_json::Value;

pub use crate::tenant_file::build::TenantFile;
use crate::tenant_file::field_error::FieldError;
use crate::tenant_file::model::TenantEntry;
pub use crate::tenant_file::references::References;

/// Why and where a tenant file cannot be used, and what to do. It never shows a value, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct TenantFileError {
    /// The file.
    pub file: String,
    /// Line and column, counted from one, unless the file could not be read at all.
    pub position: Option<(u64, u64)>,
    /// The JSON pointer of the field at fault, unless the parser found the error.
    pub pointer: Option<String>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for TenantFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)?;
        match &self.pointer {
            Some(pointer) => write!(f, " (at {pointer})"),
            None => Ok(()),
        }
    }
}

/// Reads the tenant file at a path. `references` resolves `${env:NAME}` and `${file:PATH}`.
///
/// # Errors
/// The first error in the file.
pub fn load(path: &Path, references: &References<'_>) -> Result<TenantFile, TenantFileError> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| TenantFileError {
        file: file.clone(),
        position: None,
        pointer: None,
        message: format!("cannot read the tenant file: {error}; check the path"),
    })?;
    read(&text, &file, references)
}

/// Reads the text of a tenant file; `file` is the name used in errors.
///
/// # Errors
/// The first error in the file.
pub fn read(text: &str, file: &str, references: &References<'_>) -> Result<TenantFile, TenantFileError> {
    let refused_by_parser = |error: serde_saphyr::Error| TenantFileError {
        file: file.to_owned(),
        position: error.location().map(|location| (location.line(), location.column())),
        pointer: None,
        message: yaml::error_message(&error),
    };
    let refused = |FieldError { pointer, message }| TenantFileError {
        file: file.to_owned(),
        position: position::of_pointer(text, &pointer),
        pointer: Some(pointer),
        message,
    };
    yaml::parse::<TenantEntry>(text).map_err(refused_by_parser)?;
    let mut document: Value = yaml::parse(text).map_err(refused_by_parser)?;
    references.fill(&mut document).map_err(refused)?;
    let entry: TenantEntry = serde_json::from_value(document).map_err(|_| {
        // serde_json's own message shows the value, which may be a secret. The strict parse finds the same value.
        yaml::parse_strictly::<TenantEntry>(text).err().map_or_else(
            || refused(FieldError::new("", "a value does not have the type of its field")),
            refused_by_parser,
        )
    })?;
    build::tenant(entry).map_err(refused)
}
