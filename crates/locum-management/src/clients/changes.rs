//! What a caller may change about a client.

use locum_engine::model::Tenant;
use locum_store::documents::{self, DocumentKind};

use crate::body::{self, Members};
use crate::call::Call;
use crate::error::ApiError;
use crate::{merge, secrets};

/// Fields that say who can be the client, and whether it can use its grant.
const AUTHENTICATION: [&str; 4] = ["client_secret", "jwks", "token_endpoint_auth_method", "grant_types"];

/// Fields whose texts the database finds clients by.
const LISTED: [&str; 4] = ["resources", "allowed_origins", "web_origins", "callbacks"];

/// Checks that the caller may write the secrets that it writes.
pub(super) fn check_keys(call: &Call, before: &Members, after: &Members) -> Result<(), ApiError> {
    if secrets::are_written(before, after, &*call.service.directory.issuers()) {
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
    let scopes = documents::client(client_id, document.expose(), tenant)?.management_scopes;
    let is_same = AUTHENTICATION.iter().all(|field| before.get(*field) == after.get(*field));
    if !is_same && !call.caller.may_grant(scopes.iter().map(String::as_str)) {
        let missing: Vec<String> = scopes.into_iter().filter(|scope| !call.caller.has(scope)).collect();
        return Err(ApiError::insufficient_scope(&missing.join(" ")));
    }
    Ok(())
}
