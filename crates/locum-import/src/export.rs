//! An export of the deploy CLI in memory, in either of its two forms.
//!
//! What something is, is told by the content of its file and not by the file's name: names are made of those of clients
//! and rules, with other characters where a file system does not take them.

mod directory_form;
mod parsing;
mod script_files;
mod yaml_form;

use serde_json::{Map, Value};

use crate::{DeployConfig, Folder, ImportError};

/// What an export contains of a tenant, as far as delegation needs it: with secrets, so nothing of it can be debugged.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Export {
    /// The tenant's settings; empty if they were not exported.
    pub tenant: Map<String, Value>,
    /// The clients, in the order of the export.
    pub clients: Vec<ExportedClient>,
    /// The client grants. They name their client by its name or its id.
    pub client_grants: Vec<Map<String, Value>>,
    /// The custom domains that are in use.
    pub custom_domains: Vec<String>,
    /// The code of rules and actions.
    pub scripts: Vec<Script>,
}

/// A client of an export.
#[derive(Clone, PartialEq)]
pub struct ExportedClient {
    /// The file that it is in, for messages.
    pub file: String,
    /// Its fields, in the order of the export.
    pub fields: Map<String, Value>,
}

/// The code of a rule or an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The file that it is in, for messages.
    pub file: String,
    /// How many lines of that file are before it.
    pub lines_before: usize,
    /// The code.
    pub code: String,
}

impl ExportedClient {
    /// A text among the fields.
    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.as_str().filter(|text| !text.is_empty())
    }

    /// The name by which messages call it, with its id if it has one.
    pub(crate) fn label(&self) -> String {
        match (self.text("name"), self.text("client_id")) {
            (Some(name), Some(id)) => format!("{name} ({id})"),
            (Some(name), None) => name.to_owned(),
            (None, Some(id)) => id.to_owned(),
            (None, None) => format!("without a name, in {}", self.file),
        }
    }
}

/// Reads an export: `tenant.yaml` and the files that it names, or `tenant.json`, `clients/*.json` and `rules/*`.
///
/// # Errors
/// The folder is no export, a file of it cannot be read or parsed, or leads out of the folder.
pub fn read(folder: &Folder, config: &DeployConfig) -> Result<Export, ImportError> {
    let yaml = match folder.text("tenant.yaml")? {
        Some(text) => Some(("tenant.yaml", text)),
        None => folder.text("tenant.yml")?.map(|text| ("tenant.yml", text)),
    };
    let clients = folder.files("clients", ".json")?;
    match (yaml, clients) {
        (Some((name, _)), Some(clients)) if !clients.is_empty() => Err(ImportError::file(
            folder.shown(),
            format!(
                "it has both {name} and clients/*.json, which are two exports; export each into a folder of its own"
            ),
        )),
        (Some((name, text)), _) => yaml_form::read(folder, name, text, config),
        (None, Some(clients)) => directory_form::read(folder, &clients, config),
        (None, None) => Err(ImportError::NoExport(crate::printable(folder.shown()))),
    }
}

/// The host names among custom domains that answer.
fn custom_domains(entries: &[Value]) -> Vec<String> {
    let is_in_use = |entry: &&Value| entry.get("status").is_none_or(|status| status == "ready");
    let domains = entries.iter().filter(is_in_use).filter_map(|entry| entry.get("domain")?.as_str());
    domains.map(str::to_ascii_lowercase).collect()
}
