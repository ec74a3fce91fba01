//! The form `yaml`: all of a tenant in `tenant.yaml`, but for the code of rules and actions.

use serde_json::{Map, Value};

use crate::export::{Export, ExportedClient, custom_domains, parsing, script_files};
use crate::{DeployConfig, Folder, ImportError};

pub(super) fn read(
    folder: &Folder,
    file: &str,
    text: String,
    config: &DeployConfig,
) -> Result<Export, ImportError> {
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut mapping = parsing::yaml_mapping(file, text, config)?;
    let mut export = Export::default();
    if let Some(Value::Object(tenant)) = mapping.remove("tenant") {
        export.tenant = tenant;
    }
    for fields in objects(&mut mapping, "clients", file)? {
        export.clients.push(ExportedClient { file: file.to_owned(), fields });
    }
    export.client_grants = objects(&mut mapping, "clientGrants", file)?;
    if let Some(Value::Array(domains)) = mapping.get("customDomains") {
        export.custom_domains = custom_domains(domains);
    }
    for (member, code) in [("rules", "script"), ("actions", "code")] {
        for entry in objects(&mut mapping, member, file)? {
            let Some(Value::String(code)) = entry.get(code) else { continue };
            export.scripts.push(script_files::read(folder, "", code, (file, &lines))?);
        }
    }
    Ok(export)
}

/// The objects of a list; none if it was not exported.
fn objects(
    mapping: &mut Map<String, Value>,
    member: &str,
    file: &str,
) -> Result<Vec<Map<String, Value>>, ImportError> {
    let wrong = || ImportError::file(file, format!("`{member}` must be a list of mappings; export it again"));
    match mapping.remove(member) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => {
            let object = |item| if let Value::Object(object) = item { Ok(object) } else { Err(wrong()) };
            items.into_iter().map(object).collect()
        }
        Some(_) => Err(wrong()),
    }
}
