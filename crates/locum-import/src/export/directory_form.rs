//! The form `directory`: a file of JSON for each client, rule and action.

use serde_json::Value;

use crate::export::{Export, ExportedClient, custom_domains, parsing, script_files};
use crate::{DeployConfig, Folder, ImportError};

pub(super) fn read(
    folder: &Folder,
    clients: &[String],
    config: &DeployConfig,
) -> Result<Export, ImportError> {
    let tenant = parsing::json_object(folder, "tenant.json", config)?.unwrap_or_default();
    let mut export = Export { tenant, ..Export::default() };
    for file in clients {
        let Some(fields) = parsing::json_object(folder, file, config)? else { continue };
        // The deploy CLI skips empty ones too.
        if !fields.is_empty() {
            export.clients.push(ExportedClient { file: file.clone(), fields });
        }
    }
    for file in folder.files("grants", ".json")?.unwrap_or_default() {
        export.client_grants.extend(parsing::json_object(folder, &file, config)?);
    }
    if let Some(Value::Array(domains)) = parsing::json(folder, "custom-domains/custom-domains.json", config)?
    {
        export.custom_domains = custom_domains(&domains);
    }
    // The code of a rule is named from the folder of rules, that of an action from the folder of the export.
    for (kind, member, base) in [("rules", "script", "rules/"), ("actions", "code", "")] {
        for file in folder.files(kind, ".json")?.unwrap_or_default() {
            let Some(metadata) = parsing::json_object(folder, &file, config)? else { continue };
            let Some(Value::String(code)) = metadata.get(member) else { continue };
            export.scripts.push(script_files::read(folder, base, code, (&file, &[]))?);
        }
    }
    Ok(export)
}
