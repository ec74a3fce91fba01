//! Tenant files: the Management API's own field names in YAML, read whole or not at all.
//!
//! A file is read twice: once into the model, so that an unknown key or a wrong type is named with its line; then,
//! with `${env:NAME}` and `${file:PATH}` filled in, into what becomes a [`Tenant`](locum_engine::tenant::Tenant).

mod build;
mod ignored;
mod model;
mod references;

use std::fmt;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

pub use crate::tenant_file::build::TenantFile;
use crate::tenant_file::model::TenantEntry;
pub use crate::tenant_file::references::References;

/// Why a tenant file cannot be used, where in it, and what to do. Never shows a value of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct TenantFileError {
    /// The file.
    pub file: String,
    /// Line and column, counted from one, where they are known.
    pub place: Option<(u64, u64)>,
    /// The member at fault, as a JSON pointer, where it is known.
    pub pointer: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for TenantFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)?;
        match &self.pointer {
            Some(pointer) => write!(f, " (at {pointer})"),
            None => Ok(()),
        }
    }
}

/// Reads the tenant file at a path. `references` answers `${env:NAME}`; `${file:PATH}` is relative to the file.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn load(path: &Path, references: &References<'_>) -> Result<TenantFile, TenantFileError> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| TenantFileError {
        file: file.clone(),
        place: None,
        pointer: None,
        message: format!("cannot be read: {error}"),
    })?;
    read(&text, &file, references)
}

/// Reads the text of a tenant file; `file` is the name used in errors.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn read(text: &str, file: &str, references: &References<'_>) -> Result<TenantFile, TenantFileError> {
    // First reading: for keys and types, with lines.
    parse::<TenantEntry>(text).map_err(|error| refused_by_parser(file, &error))?;
    let mut document: Value = parse(text).map_err(|error| refused_by_parser(file, &error))?;
    let at = |pointer: Option<String>, message: String, place| TenantFileError {
        file: file.to_owned(),
        place,
        pointer,
        message,
    };
    references.fill(&mut document).map_err(|unfilled| {
        at(Some(unfilled.pointer), unfilled.message, place_of(text, &unfilled.reference))
    })?;
    let entry: TenantEntry =
        serde_json::from_value(document).map_err(|error| at(None, error.to_string(), None))?;
    build::tenant(entry).map_err(|error| at(Some(error.pointer), error.message, None))
}

/// Without the parser's budget, which a tenant with ten thousand users exceeds: the operator wrote the file.
fn parse<T: DeserializeOwned>(text: &str) -> Result<T, serde_saphyr::Error> {
    serde_saphyr::from_str_with_options(text, serde_saphyr::options! { budget: None })
}

fn refused_by_parser(file: &str, error: &serde_saphyr::Error) -> TenantFileError {
    // Without the snippet: the lines around an error may hold secrets.
    let text = error.without_snippet().to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    TenantFileError {
        file: file.to_owned(),
        place: error.location().map(|location| (location.line(), location.column())),
        pointer: None,
        message: with_hint(text),
    }
}

/// Adds "did you mean" to an unknown field, and drops the list of all the others.
fn with_hint(message: &str) -> String {
    let Some((unknown, expected)) = message.split_once(", expected one of ") else {
        return message.to_owned();
    };
    let Some(name) = unknown.strip_prefix("unknown field `").and_then(|rest| rest.strip_suffix('`')) else {
        return message.to_owned();
    };
    let nearest = expected
        .split(", ")
        .map(|candidate| candidate.trim_matches('`'))
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((_, candidate)) => format!("{unknown}; did you mean `{candidate}`?"),
        None => format!("{unknown}; the fields here are those of the Management API"),
    }
}

/// Where a reference stands in the text, for errors found after parsing.
fn place_of(text: &str, reference: &str) -> Option<(u64, u64)> {
    let at = text.find(reference)?;
    let before = text.get(..at)?;
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next()?.chars().count() + 1;
    Some((line as u64, column as u64))
}
