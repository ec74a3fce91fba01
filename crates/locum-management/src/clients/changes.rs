//! What a caller may change about a client.

use locum_engine::model::{Client, Tenant};
use locum_engine::prepared::{AddOnProblem, PreparedClient};
use locum_store::documents::{self, DocumentKind};

use crate::body::{self, Members};
use crate::call::Call;
use crate::error::ApiError;
use crate::{merge, secrets};

/// Fields that say who can be the client, and whether it can use its grant.
const AUTHENTICATION: [&str; 4] = ["client_secret", "jwks", "token_endpoint_auth_method", "grant_types"];

/// Fields whose texts the database finds clients by.
const LISTED: [&str; 4] = ["resources", "allowed_origins", "web_origins", "callbacks"];

/// Fields that configure issuers.
const CONFIGURED: [&str; 4] = ["addons", "jwt_configuration", "client_secret", "signing_keys"];

/// Checks that the caller may write the secrets that it writes.
pub(super) fn check_keys(call: &Call, before: &Members, after: &Members) -> Result<(), ApiError> {
    if secrets::are_written(before, after, &*call.service.server.issuers()) {
        call.require("update:client_keys")?;
    }
    Ok(())
}

/// Checks a client before it is written. Whoever sets how a client with management scopes authenticates can have its tokens, and so
/// must have these scopes.
pub(super) fn check(
    call: &Call,
    tenant: &Tenant,
    client_id: &str,
    before: &Members,
    after: &Members,
) -> Result<(), ApiError> {
    if after.get("name").is_some_and(|name| name == "") {
        return Err(ApiError::invalid_body("/name", "write a name, or null for none"));
    }
    merge::check_lengths(after, &LISTED)?;
    let document = body::document(DocumentKind::Client, after)?;
    let client = documents::client(client_id, document.expose(), tenant)?;
    let scopes = client.management_scopes.clone();
    if CONFIGURED.iter().any(|field| before.get(*field) != after.get(*field)) {
        check_add_ons(call, tenant, client, before)?;
    }
    let is_same = AUTHENTICATION.iter().all(|field| before.get(*field) == after.get(*field));
    if !is_same && !call.caller.may_grant(scopes.iter().map(String::as_str)) {
        let missing: Vec<String> = scopes.into_iter().filter(|scope| !call.caller.has(scope)).collect();
        return Err(ApiError::insufficient_scope(&missing.join(" ")));
    }
    Ok(())
}

/// Refuses settings that the plugin of an add-on refuses. What was refused before can stay, and so can an add-on without a plugin: a
/// tenant file may have both.
fn check_add_ons(call: &Call, tenant: &Tenant, client: Client, before: &Members) -> Result<(), ApiError> {
    let issuers = call.service.server.issuers();
    let problems = |client| {
        let prepared = PreparedClient::prepare(call.caller.tenant(), client, &*issuers);
        prepared
            .problems()
            .filter(|problem| issuers.manifest(&problem.api_type).is_some())
            .collect::<Vec<_>>()
    };
    let client_id = client.id.clone();
    let found = problems(client);
    if found.is_empty() {
        return Ok(());
    }
    let before = match before.is_empty() {
        true => Vec::new(),
        false => {
            let document = body::document(DocumentKind::Client, before)?;
            problems(documents::client(&client_id, document.expose(), tenant)?)
        }
    };
    match found.into_iter().find(|problem| !before.contains(problem)) {
        None => Ok(()),
        Some(problem) => Err(refused_settings(call, &problem)),
    }
}

/// The plugin's own words may quote what it refuses, which may be a secret that the caller did not write.
fn refused_settings(call: &Call, problem: &AddOnProblem) -> ApiError {
    let AddOnProblem { api_type, failure, .. } = problem;
    let pointer = match api_type.as_str() {
        "app" => "/jwt_configuration".to_owned(),
        api_type => format!("/addons/{api_type}"),
    };
    if call.caller.has("read:client_keys") {
        return ApiError::invalid_body(&pointer, &failure.to_string());
    }
    let at = failure.pointer.as_deref().unwrap_or_default();
    let message = "the plugin refuses the settings of this add-on; the audit log has its reason";
    ApiError::invalid_body(&format!("{pointer}{at}"), message).because(failure)
}
