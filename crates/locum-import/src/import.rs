//! The import itself: from an export in memory to files in memory.

use std::collections::HashSet;

use locum_engine::ports::Issuers;
use locum_store::{NewSigningKey, TenantData, yaml_writer};
use serde_json::{Map, Value};

use crate::acceptance::{self, Accepted};
use crate::client::{self, Draft};
use crate::document::{self, Document};
use crate::export::ExportedClient;
use crate::management_grants::ManagementGrants;
use crate::report::{Counted, LeftOut, Report, ToDo};
use crate::secret_files::{self, OutputFile};
use crate::{ApiClients, DeployConfig, Export, ImportError, field_names, markers, readiness, scripts};

/// What decides an import besides the export.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The host that Locum will answer on.
    pub domain: &'a str,
    /// What `config.json` says; the default if it was not given.
    pub config: &'a DeployConfig,
    /// The clients of the Management API, for an export without ids or secrets.
    pub api_clients: Option<&'a ApiClients>,
    /// Configures each add-on. One that it refuses is written as `null`.
    pub issuers: &'a dyn Issuers,
    /// Finds the secrets among settings.
    pub secret_settings: &'a SecretSettings,
    /// Makes a signing key for a host name. It is called if a target or an add-on needs one.
    pub signing_key: &'a dyn Fn(&str) -> Result<NewSigningKey, String>,
}

/// Gives the JSON pointers of the secrets among settings, by the schema of an issuer's manifest.
pub type SecretSettings = dyn Fn(&Value, &Map<String, Value>) -> Vec<String>;

/// An import that can be [written](crate::write()).
#[non_exhaustive]
pub struct Import {
    /// What to tell.
    pub report: Report,
    /// The tenant, as its file will be read.
    pub data: TenantData,
    pub(crate) files: Vec<OutputFile>,
}

impl Import {
    /// The text of a file by its path, as it will be written.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path).map(|file| file.text.as_str())
    }
}

/// Decides what of an export is kept, and makes the files of it.
///
/// # Errors
/// Something is missing that cannot be left out, or the export contradicts itself. The message says what to add and where.
pub fn import(mut export: Export, options: &Options<'_>) -> Result<Import, ImportError> {
    let domain = host_name(options.domain)?;
    if options.issuers.manifest("app").is_none() {
        return Err(ImportError::NoAppIssuer);
    }
    let is_ordered = options.config.is_ordered || is_sorted(&export.clients);
    let in_order = match options.api_clients {
        Some(api_clients) => api_clients.complete(&mut export)?,
        None => HashSet::new(),
    };
    let has_sorted_add_ons = |client_id: &str| is_ordered && !in_order.contains(client_id);
    check_identity(&export.clients)?;
    let (kept, mut left_out) = select(&export.clients);
    check_secrets(&kept)?;
    let mut clients = Vec::new();
    for client in &kept {
        match client::draft(client) {
            Ok(draft) => clients.push(draft),
            Err(why) => left_out.push(why),
        }
    }
    for draft in &clients {
        check_values(draft)?;
    }
    if clients.is_empty() && left_out.iter().all(|client| !client.needs_decision) {
        return Err(ImportError::NothingToImport(export.clients.len()));
    }
    let former_domains = former_domains(&domain, &export, options.config);
    let signing_key = needs_key(&clients, options.issuers).then(|| (options.signing_key)(&domain));
    let signing_key = signing_key.transpose().map_err(ImportError::SigningKey)?;
    let management_grants = ManagementGrants::of(&export, options.config, &clients);
    for (client_id, grant) in management_grants.entries(&domain) {
        if let Some(client) = clients.iter().find(|client| client.client_id == client_id) {
            check_value(client, "clientGrants", &grant)?;
        }
    }
    let delegation = delegation(&export);
    let document = Document { domain, delegation, former_domains, signing_key, clients, management_grants };
    let mut accepted = acceptance::settle(document, options.issuers)?;
    left_out.append(&mut accepted.left_out);
    finish(&export, accepted, left_out, &has_sorted_add_ons, options)
}

/// The tenant's flag by which Auth0 allows the legacy grants.
const DELEGATION_FLAG: &str = "allow_legacy_delegation_grant_types";

/// The flag by which it allows `/tokeninfo`.
const TOKEN_INFO_FLAG: &str = "allow_legacy_tokeninfo_endpoint";

/// What the tenant's flags say of `delegation`.
fn delegation(export: &Export) -> Map<String, Value> {
    let flag = |name: &str| export.tenant.get("flags")?.get(name)?.as_bool();
    let fields = [("enabled", flag(DELEGATION_FLAG)), ("profile_endpoints", flag(TOKEN_INFO_FLAG))];
    fields.into_iter().filter_map(|(field, value)| Some((field.to_owned(), value?.into()))).collect()
}

fn finish(
    export: &Export,
    accepted: Accepted,
    left_out: Vec<LeftOut>,
    has_sorted_add_ons: &dyn Fn(&str) -> bool,
    options: &Options<'_>,
) -> Result<Import, ImportError> {
    let Accepted { document, data, single_sign_on, .. } = accepted;
    let secrets_of = |api_type: &str, settings: &Map<String, Value>| match options.issuers.manifest(api_type)
    {
        Some(manifest) => (options.secret_settings)(&manifest.settings_schema, settings),
        None => Vec::new(),
    };
    let (members, secrets) = secret_files::extract(&document, &secrets_of)?;
    let tenant_file = format!("{}.yaml", document.domain);
    let mut files = vec![OutputFile { path: tenant_file.clone(), text: yaml_writer::write(&members) }];
    files.extend(secrets);
    let clients: Vec<_> = document
        .clients
        .iter()
        .map(|draft| {
            let is_sorted = has_sorted_add_ons(&draft.client_id);
            readiness::of(draft, &document.domain, is_sorted, options.issuers)
        })
        .collect();
    let report = Report {
        former_issuers: document.former_domains.iter().map(|domain| document::issuer(domain)).collect(),
        tenant_file,
        files: files.iter().map(|file| file.path.clone()).collect(),
        signing_key: document.signing_key.as_ref().map(|key| key.kid.clone()),
        tenant: of_tenant(&document, export, options.config),
        clients,
        left_out,
        dropped_fields: field_names::dropped(&export.clients),
        single_sign_on: single_sign_on.into_iter().map(|(name, clients)| Counted { name, clients }).collect(),
        scripts: scripts::findings(&export.scripts),
        domain: document.domain,
    };
    Ok(Import { report, data, files })
}

fn host_name(domain: &str) -> Result<String, ImportError> {
    let lower = domain.to_ascii_lowercase();
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_host = lower.len() <= 253 && lower.split('.').all(is_label);
    if is_host { Ok(lower) } else { Err(ImportError::Domain(domain.to_owned())) }
}

/// Whether the keys of the clients are sorted, as only AUTH0_EXPORT_ORDERED leaves them.
fn is_sorted(clients: &[ExportedClient]) -> bool {
    let sorted = |client: &ExportedClient| client.fields.keys().is_sorted();
    clients.iter().any(|client| client.fields.len() > 5) && clients.iter().all(sorted)
}

fn check_identity(clients: &[ExportedClient]) -> Result<(), ImportError> {
    let without: Vec<String> = clients
        .iter()
        .filter(|client| client.text("client_id").is_none() && client::not_needed(&client.fields).is_none())
        .map(ExportedClient::label)
        .collect();
    if !without.is_empty() {
        return Err(ImportError::IdsMissing { without, of: clients.len() });
    }
    let mut ids = HashSet::new();
    let twice = clients.iter().filter_map(|client| client.text("client_id")).find(|id| !ids.insert(*id));
    twice.map_or(Ok(()), |id| Err(ImportError::IdTwice(id.to_owned())))
}

fn select(clients: &[ExportedClient]) -> (Vec<&ExportedClient>, Vec<LeftOut>) {
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    for client in clients {
        match client::not_needed(&client.fields) {
            None => kept.push(client),
            Some(why) => left_out.push(LeftOut {
                client_id: client.text("client_id").unwrap_or_default().to_owned(),
                name: client.text("name").unwrap_or_default().to_owned(),
                needs_decision: false,
                why: why.to_owned(),
            }),
        }
    }
    (kept, left_out)
}

/// Auth0 gives every client a secret: if none has one, the export left them out.
fn check_secrets(kept: &[&ExportedClient]) -> Result<(), ImportError> {
    let has_secret = |client: &&ExportedClient| client.text("client_secret").is_some();
    if kept.is_empty() || kept.iter().any(has_secret) { Ok(()) } else { Err(ImportError::SecretsMissing) }
}

/// Data must not become references, and no marker may pass for data.
fn check_values(draft: &Draft) -> Result<(), ImportError> {
    for (field, value) in &draft.fields {
        check_value(draft, field, value)?;
    }
    Ok(())
}

fn check_value(draft: &Draft, field: &str, value: &Value) -> Result<(), ImportError> {
    match value {
        Value::String(text) => {
            let (client, field) = (draft.label.clone(), field.to_owned());
            if text.contains("${") {
                return Err(ImportError::Reference { client, field });
            }
            match markers::left_in(text) {
                Some(marker) => Err(ImportError::Marker { client, field, marker: marker.to_owned() }),
                None => Ok(()),
            }
        }
        Value::Array(items) => items.iter().try_for_each(|item| check_value(draft, field, item)),
        Value::Object(members) => {
            members.iter().try_for_each(|(name, value)| check_value(draft, &format!("{field}.{name}"), value))
        }
        _ => Ok(()),
    }
}

/// The hosts that have signed the tenant's tokens until now, without the one that Locum takes over.
fn former_domains(domain: &str, export: &Export, config: &DeployConfig) -> Vec<String> {
    let mut domains: Vec<String> = Vec::new();
    for former in config.domain.iter().chain(&export.custom_domains) {
        let is_host = former.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':'));
        if is_host && former != domain && !domains.contains(former) {
            domains.push(former.clone());
        }
    }
    domains
}

fn needs_key(clients: &[Draft], issuers: &dyn Issuers) -> bool {
    let signs = |draft: &Draft| {
        let mut add_ons = draft.add_ons().filter(|(_, settings)| settings.is_object());
        add_ons.any(|(name, _)| issuers.manifest(name).is_some_and(|manifest| manifest.uses_tenant_key()))
    };
    clients.iter().any(|draft| draft.alg() != "HS256" || signs(draft))
}

fn of_tenant(document: &Document, export: &Export, config: &DeployConfig) -> Vec<ToDo> {
    let mut to_do = Vec::new();
    if document.delegation.get("enabled") == Some(&Value::Bool(false)) {
        to_do.push(ToDo::decision(format!(
            "the tenant's flag {DELEGATION_FLAG} is off, so delegation.enabled is false and every request gets 404; write true if delegation is to work"
        )));
    }
    let domain = &document.domain;
    let own = config.domain.iter().chain(&export.custom_domains).any(|former| former == domain);
    if own {
        to_do.push(ToDo::decision(format!(
            "Locum is to answer as {domain}, as Auth0 does until now, so it does not take Auth0's keys for it: id_tokens of clients with RS256 are refused if {domain} is their issuer; give Locum a name of its own with --domain"
        )));
    }
    match &config.domain {
        None => to_do.push(ToDo::decision(
            "the domain at Auth0 is not known, so id_tokens of Auth0 are refused; give config.json with AUTH0_DOMAIN as --config, or add it to former_issuers"
                .to_owned(),
        )),
        Some(former) if former == domain => {}
        Some(former) => to_do.push(ToDo::trust(format!(
            "services that compare the `iss` of app tokens must expect {} in place of {}",
            document::issuer(domain),
            document::issuer(former)
        ))),
    }
    if let Some(key) = &document.signing_key {
        to_do.push(ToDo::trust(format!(
            "a new signing key {} was made: Auth0's private key cannot be exported; what trusted Auth0's key must trust secrets/tenant.crt",
            key.kid
        )));
    }
    to_do.push(ToDo::note(
        "a token that was issued at the request of another client is not exchanged at /delegation, as it was at Auth0; if clients do that, write `chains: open` under delegation"
            .to_owned(),
    ));
    to_do.extend(document.management_grants.to_do());
    to_do
}
