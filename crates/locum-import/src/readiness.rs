//! What each client still needs, by its add-ons and its algorithm.

use locum_engine::contract::KeySource;
use locum_engine::ports::Issuers;
use serde_json::Value;

use crate::client::{self, Draft};
use crate::report::{ClientReport, Readiness, ToDo};

/// The settings by which an add-on is bound to one name, and the setting that lists further ones.
const BOUNDS: [(&str, &str, &str); 4] = [
    ("aws", "role", "allowed_roles"),
    ("azure_blob", "containerName", "allowed_containers"),
    ("azure_blob", "blobName", "allowed_blobs"),
    ("azure_sb", "entityPath", "allowed_entities"),
];

/// The report on a client that was accepted.
pub(crate) fn of(draft: &Draft, domain: &str, is_sorted: bool, issuers: &dyn Issuers) -> ClientReport {
    let mut to_do = draft.to_do.clone();
    let mut api_types = Vec::new();
    for (api_type, settings) in draft.add_ons().filter(|(_, settings)| settings.is_object()) {
        api_types.push(api_type.clone());
        to_do.extend(trust_in_key(api_type, &draft.client_id, domain, issuers));
        to_do.extend(bounds(api_type, settings));
    }
    to_do.extend(default_api_type(draft, &api_types, is_sorted));
    if client::takes_app_tokens(&draft.fields) {
        api_types.push("app".to_owned());
        if draft.alg() != "HS256" {
            to_do.push(ToDo::trust(format!(
                "services that verify its app tokens must take their keys from https://{domain}/.well-known/jwks.json"
            )));
        }
    }
    ClientReport {
        client_id: draft.client_id.clone(),
        name: draft.name().to_owned(),
        may_call: client::may_call(&draft.fields),
        api_types,
        readiness: to_do.iter().map(|to_do| to_do.readiness).max().unwrap_or(Readiness::WorksNow),
        to_do,
    }
}

/// What must trust the tenant's new key.
fn trust_in_key(api_type: &str, client_id: &str, domain: &str, issuers: &dyn Issuers) -> Option<ToDo> {
    let manifest = issuers.manifest(api_type)?;
    if !manifest.signs_with.contains(&KeySource::Tenant) {
        return None;
    }
    let metadata = format!("https://{domain}/samlp/metadata/{client_id}");
    Some(ToDo::trust(match api_type {
        "aws" => format!("aws: replace the metadata of the SAML provider in IAM by those at {metadata}"),
        "sap_api" => {
            format!("sap_api: replace the trusted identity provider in SAP by the metadata at {metadata}")
        }
        "salesforce_api" | "salesforce_sandbox_api" => {
            format!("{api_type}: upload secrets/tenant.crt to the connected app in Salesforce")
        }
        _ => format!("{api_type}: the service behind it must trust secrets/tenant.crt"),
    }))
}

/// Where requests may choose less than they could at Auth0.
fn bounds(api_type: &str, settings: &Value) -> Vec<ToDo> {
    let mut found = Vec::new();
    for (_, setting, list) in BOUNDS.into_iter().filter(|(name, ..)| *name == api_type) {
        match settings.get(setting).and_then(Value::as_str).filter(|value| !value.is_empty()) {
            Some(value) => found.push(ToDo::note(format!(
                "{api_type}: requests may name no other {setting} than {value}; if clients do, list the others in {list}"
            ))),
            None if api_type == "aws" => found.push(ToDo::decision(
                "aws: it has no role; write the role, or the roles that requests may choose as allowed_roles".to_owned(),
            )),
            None => {}
        }
    }
    found
}

/// The first add-on is what a request without `api_type` gets, so their order counts.
fn default_api_type(draft: &Draft, working: &[String], is_sorted: bool) -> Option<ToDo> {
    let exported: Vec<&String> = draft.add_ons().map(|(name, _)| name).collect();
    if is_sorted && working.len() > 1 {
        return Some(ToDo::decision(format!(
            "the export was made with AUTH0_EXPORT_ORDERED, which sorts add-ons: a request without api_type now gets {}; write the add-on first that Auth0 has first, or export again without it, or give --clients",
            working.first().map_or("app", String::as_str)
        )));
    }
    let switched_off = |name: &&String| {
        let refused = format!("the add-on {name} is written as null");
        draft.to_do.iter().any(|to_do| to_do.text.starts_with(&refused))
    };
    let first = exported.into_iter().find(|name| working.contains(name) || switched_off(name))?;
    (!working.contains(first)).then(|| {
        ToDo::decision(format!(
            "a request without api_type got {first} at Auth0; until that add-on works, it gets {}",
            working.first().map_or("app", String::as_str)
        ))
    })
}
