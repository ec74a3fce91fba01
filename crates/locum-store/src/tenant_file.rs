//! Tenant files: the Management API's own field names in YAML. A file with any error is refused as a whole.
//!
//! A file is parsed into a tree that knows the line of each value. `${env:NAME}` and `${file:PATH}` are filled in, and
//! the tree is read as the model. A value with an error is left out and the rest is read on, so that all errors are found
//! in one run.

mod advice;
pub(crate) mod alone;
mod build;
mod field_error;
mod finding;
mod ignored;
mod issuers;
mod management;
mod model;
mod node;
mod pem_kind;
mod places;
mod reader;
mod references;
mod refresh_tokens;
mod signing_keys;
mod yaml;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::TenantData;
use crate::parallel;
pub use crate::tenant_file::field_error::FieldError;
pub(crate) use crate::tenant_file::field_error::FieldErrors;
pub use crate::tenant_file::finding::{Finding, TenantFileError};
use crate::tenant_file::model::TenantEntry;
pub(crate) use crate::tenant_file::node::{Member, Node, NodeValue};
pub use crate::tenant_file::places::Places;
use crate::tenant_file::reader::LeftOut;
pub use crate::tenant_file::references::References;
pub(crate) use crate::tenant_file::references::escaped;
use crate::text_file;

/// Largest tenant file, in bytes.
pub const TENANT_FILE_BYTES_MAX: u64 = 256 << 20;

/// The contents of a tenant file.
#[derive(Debug)]
#[non_exhaustive]
pub struct TenantFile {
    /// The tenant with its clients and users.
    pub data: TenantData,
    /// What is valid and cannot work.
    pub problems: Vec<Finding>,
    /// What works and should be changed.
    pub warnings: Vec<Finding>,
    /// Where the fields are, for what is found out later.
    pub places: Places,
}

/// Reads the tenant file at a path. `references` resolves `${env:NAME}` and `${file:PATH}`.
///
/// # Errors
/// All errors in the file.
pub fn load(path: &Path, references: &References<'_>) -> Result<TenantFile, TenantFileError> {
    load_with(path, references, |_, _| Ok(())).map(|(read, ())| read)
}

fn load_with<T>(
    path: &Path,
    references: &References<'_>,
    take: impl FnOnce(&Node, &TenantData) -> Result<T, FieldErrors>,
) -> Result<(TenantFile, T), TenantFileError> {
    let file = path.display().to_string();
    let text = text_file::read(path, TENANT_FILE_BYTES_MAX).map_err(|error| {
        TenantFileError::unreadable(Finding {
            file: file.clone(),
            position: None,
            pointer: None,
            message: format!("cannot read the tenant file: {error}; check the path"),
        })
    })?;
    read_with(&text, &file, references, take)
}

/// A tenant file and what is made of it, or all errors in it, and the files that it names by `${file:PATH}`.
pub(crate) type ReadWith<T> = (Result<(TenantFile, T), TenantFileError>, Vec<PathBuf>);

/// Reads tenant files on all cores, each as [`load`] does, and what `take` makes of the tree of each valid one before its texts are
/// overwritten. `environment` gives the value of `${env:NAME}`; the paths of `${file:PATH}` are relative to the folder of the
/// tenant file. The results are in the order of the paths.
pub(crate) fn load_all<T: Send>(
    paths: &[PathBuf],
    environment: &(dyn Fn(&str) -> Option<String> + Sync),
    take: &(dyn Fn(&Node, &TenantData) -> Result<T, FieldErrors> + Sync),
) -> Vec<ReadWith<T>> {
    parallel::map(paths.iter().collect(), |path: &PathBuf| {
        let references = References::new(environment, path.parent().unwrap_or(Path::new(".")));
        let read = load_with(path, &references, take);
        (read, references.files_read())
    })
}

/// Reads the text of a tenant file; `file` is the name used in errors.
///
/// # Errors
/// All errors in the file.
pub fn read(text: &str, file: &str, references: &References<'_>) -> Result<TenantFile, TenantFileError> {
    read_with(text, file, references, |_, _| Ok(())).map(|(read, ())| read)
}

/// As [`read`], and what `take` makes of the tree of a valid file before its texts are overwritten.
pub(crate) fn read_with<T>(
    text: &str,
    file: &str,
    references: &References<'_>,
    take: impl FnOnce(&Node, &TenantData) -> Result<T, FieldErrors>,
) -> Result<(TenantFile, T), TenantFileError> {
    let mut root: Node = yaml::parse(text).map_err(|error| {
        TenantFileError::unreadable(Finding {
            file: file.to_owned(),
            position: error.location().map(|location| (location.line(), location.column())),
            pointer: None,
            message: yaml::error_message(&error),
        })
    })?;
    let mut left_out = LeftOut::new();
    let mut errors = Vec::new();
    for reference in references.fill(&mut root) {
        left_out.insert(reference.member);
        errors.push(Finding::at_field(file, reference.position, reference.error));
    }
    let (entry, type_errors) = reader::read_all::<TenantEntry>(&root, left_out);
    errors.extend(type_errors.into_iter().map(|error| Finding {
        file: file.to_owned(),
        position: error.position,
        pointer: Some(error.pointer()),
        message: error.message,
    }));
    let Some(entry) = entry else {
        return Err(TenantFileError::new(errors, None));
    };
    let mut advice = advice::on_clients(&entry.clients, &client_ids(&root));
    issuers::advise(&entry, &mut advice.warnings);
    management::advise(&entry, &mut advice.warnings);
    let mut build_errors = FieldErrors::default();
    let data = build::tenant(entry, &mut build_errors);
    let found = |FieldErrors(found): FieldErrors| -> Vec<Finding> {
        let found = found.into_iter();
        found.map(|error| Finding::at_field(file, root.position_of(&error.pointer), error)).collect()
    };
    let problems = without_those_of(found(advice.problems), &errors);
    let build_errors = without_those_of(found(build_errors), &errors);
    errors.extend(build_errors);
    let warnings = without_those_of(found(advice.warnings), &errors);
    let taken = if errors.is_empty() { take(&root, &data).map_err(found) } else { Err(Vec::new()) };
    let read = TenantFile { data, problems, warnings, places: Places::new(file, root) };
    match taken {
        Ok(taken) => Ok((read, taken)),
        Err(refused) => {
            errors.extend(refused);
            Err(TenantFileError::new(errors, Some(read)))
        }
    }
}

/// The ids of all clients, also of those with errors.
fn client_ids(root: &Node) -> HashSet<&str> {
    let Some(NodeValue::Sequence(clients)) = root.child("clients").map(|clients| &clients.value) else {
        return HashSet::new();
    };
    let ids = clients.iter().filter_map(|client| client.child("client_id"));
    ids.filter_map(|id| if let NodeValue::Text(id) = &id.value { Some(id.as_str()) } else { None }).collect()
}

/// Drops what only follows from an error: what is found at a field that has one, or in a field around it.
fn without_those_of(found: Vec<Finding>, errors: &[Finding]) -> Vec<Finding> {
    let follows = |finding: &Finding| errors.iter().any(|error| finding.is_at_or_around(error));
    found.into_iter().filter(|finding| !follows(finding)).collect()
}
