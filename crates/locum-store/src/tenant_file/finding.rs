//! What was found in a tenant file, with its place.

use std::fmt;

use crate::tenant_file::TenantFile;
use crate::tenant_file::field_error::{self, FieldError};
use crate::tenant_file::node::Position;

/// What is wrong with a place in a tenant file, and what to do. It never shows a value that may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: String,
    /// Line and column, counted from one, unless the file could not be read at all.
    pub position: Option<(u64, u64)>,
    /// The JSON pointer of the field, unless the parser found the error.
    pub pointer: Option<String>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Finding {
    pub(super) fn at_field(file: &str, position: Position, error: FieldError) -> Self {
        let FieldError { pointer, message } = error;
        Self { file: file.to_owned(), position: Some(position), pointer: Some(pointer), message }
    }

    /// Whether the other one is at this one's field or inside it.
    pub fn is_at_or_around(&self, other: &Self) -> bool {
        let (Some(own), Some(other)) = (&self.pointer, &other.pointer) else { return false };
        field_error::is_at_or_around(own, other)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)?;
        match &self.pointer {
            Some(pointer) if !pointer.is_empty() => write!(f, " (at {pointer})"),
            _ => Ok(()),
        }
    }
}

/// Why a tenant file cannot be used: all errors in it, at least one. Displays as one line for each.
#[derive(Debug)]
pub struct TenantFileError {
    /// The errors, by line.
    pub errors: Vec<Finding>,
    /// What the file contains besides the fields with errors, for looking for further errors. Never serve it.
    pub rest: Option<Box<TenantFile>>,
}

impl TenantFileError {
    pub(super) fn new(mut errors: Vec<Finding>, rest: Option<TenantFile>) -> Self {
        errors.sort_by_key(|error| error.position);
        Self { errors, rest: rest.map(Box::new) }
    }

    pub(super) fn unreadable(error: Finding) -> Self {
        Self { errors: vec![error], rest: None }
    }
}

impl fmt::Display for TenantFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.errors.iter().map(Finding::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for TenantFileError {}
