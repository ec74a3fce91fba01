//! `/clients`: the clients of a tenant.

mod changes;
mod listing;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use locum_database::directory::DirectoryWrite;
use locum_engine::model::Tenant;
use locum_store::documents::{self, DocumentKind};
use serde_json::Value;

use crate::answer::Answer;
use crate::body::{self, Members};
use crate::call::Call;
use crate::endpoint::{Changes, Endpoint, Method};
use crate::error::ApiError;
use crate::merge::{borrowed, id_of};
use crate::paging::{FIELDS, FROM, INCLUDE_FIELDS, INCLUDE_TOTALS, PAGE, PER_PAGE, TAKE, selected};
use crate::parameter::{Parameter, ParameterValue};
use crate::random::random;
use crate::schema::Schema;
use crate::{client_grants, merge, secrets};

const IS_GLOBAL: Parameter = Parameter {
    name: "is_global",
    value: ParameterValue::Flag,
    summary: "Whether only the global client is listed, or all others.",
};
const IS_FIRST_PARTY: Parameter = Parameter {
    name: "is_first_party",
    value: ParameterValue::Flag,
    summary: "Whether only first-party clients are listed, or all others.",
};

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        operation: "list_clients",
        method: Method::Get,
        path: "/clients",
        summary: "Lists clients in the order of their ids.",
        changes: Changes::Nothing,
        scope: "read:clients",
        query: &[
            PAGE,
            PER_PAGE,
            INCLUDE_TOTALS,
            FROM,
            TAKE,
            FIELDS,
            INCLUDE_FIELDS,
            IS_GLOBAL,
            IS_FIRST_PARTY,
        ],
        body: None,
        success: (200, Some(Schema::Clients)),
        handler: |call| Box::pin(listing::list(call)),
    },
    Endpoint {
        operation: "create_client",
        method: Method::Post,
        path: "/clients",
        summary: "Creates a client. Its id and secret are generated unless they are given.",
        changes: Changes::Tenant,
        scope: "create:clients",
        query: &[],
        body: Some(Schema::NewClient),
        success: (201, Some(Schema::Client)),
        handler: |call| Box::pin(create(call)),
    },
    Endpoint {
        operation: "get_client",
        method: Method::Get,
        path: "/clients/{id}",
        summary: "A client.",
        changes: Changes::Nothing,
        scope: "read:clients",
        query: &[FIELDS, INCLUDE_FIELDS],
        body: None,
        success: (200, Some(Schema::Client)),
        handler: |call| Box::pin(get(call)),
    },
    Endpoint {
        operation: "update_client",
        method: Method::Patch,
        path: "/clients/{id}",
        summary: "Replaces fields of a client; null removes one.",
        changes: Changes::Tenant,
        scope: "update:clients",
        query: &[],
        body: Some(Schema::ClientPatch),
        success: (200, Some(Schema::Client)),
        handler: |call| Box::pin(update(call)),
    },
    Endpoint {
        operation: "delete_client",
        method: Method::Delete,
        path: "/clients/{id}",
        summary: "Deletes a client with its grants.",
        changes: Changes::Tenant,
        scope: "delete:clients",
        query: &[],
        body: None,
        success: (204, None),
        handler: |call| Box::pin(delete(call)),
    },
    Endpoint {
        operation: "rotate_client_secret",
        method: Method::Post,
        path: "/clients/{id}/rotate-secret",
        summary: "Gives a client a new secret in place of the one that it has.",
        changes: Changes::Tenant,
        scope: "update:client_keys",
        query: &[],
        body: None,
        success: (200, Some(Schema::Client)),
        handler: |call| Box::pin(rotate_secret(call)),
    },
];

async fn get(call: Call) -> Result<Answer, ApiError> {
    let stored = call.documents().client(call.domain(), &call.id).await?;
    let stored = stored.ok_or_else(inexistent)?;
    let client = shown(&call, body::members(&stored.document)?);
    Ok(Answer::document(Value::Object(selected(client, &call.query)), stored.version))
}

async fn create(call: Call) -> Result<Answer, ApiError> {
    let mut client = call.body.clone();
    if client.get("name").is_none_or(Value::is_null) {
        return Err(ApiError::invalid_body("/name", "write the client's name"));
    }
    secrets::keep_absent(&mut client, &Members::new(), &*call.service.server.issuers())?;
    changes::check_keys(&call, &Members::new(), &client)?;
    let client_id = id_of(&client, "client_id")?.unwrap_or_else(|| hex::encode(random::<16>()));
    client.insert("client_id".to_owned(), client_id.clone().into());
    // By whichever of the two it authenticates must be said if it has both.
    if !client.contains_key("client_secret") && !client.contains_key("jwks") {
        client.insert("client_secret".to_owned(), new_secret().into());
    }
    client.retain(|_, value| !value.is_null());
    let mut write = call.begin_write().await?;
    let tenant = tenant(&call, &mut write).await?;
    if write.client(call.domain(), &client_id).await?.is_some() {
        return Err(ApiError::conflict("client_exists", "there is a client with this client_id already"));
    }
    changes::check(&call, &tenant, &client_id, &Members::new(), &client)?;
    write.put_client(&tenant, &client_id, &body::document(DocumentKind::Client, &client)?).await?;
    let fields: Vec<String> = client.keys().cloned().collect();
    call.commit(write, Some(&client_id), &borrowed(&fields)).await?;
    Ok(Answer::created(Value::Object(shown(&call, client))))
}

async fn update(mut call: Call) -> Result<Answer, ApiError> {
    merge::refuse_identity(&call.body, "client_id")?;
    let mut patch = std::mem::take(&mut call.body);
    change(&call, |client| {
        secrets::keep_absent(&mut patch, client, &*call.service.server.issuers())?;
        Ok(merge::merge(client, patch))
    })
    .await
}

async fn rotate_secret(call: Call) -> Result<Answer, ApiError> {
    change(&call, |client| {
        client.insert("client_secret".to_owned(), new_secret().into());
        Ok(vec!["client_secret".to_owned()])
    })
    .await
}

/// Changes a client, whose row nobody else writes meanwhile. `change` returns the names of the fields that it has changed.
async fn change(
    call: &Call,
    change: impl FnOnce(&mut Members) -> Result<Vec<String>, ApiError>,
) -> Result<Answer, ApiError> {
    let mut write = call.begin_write().await?;
    let tenant = tenant(call, &mut write).await?;
    let stored = write.client(call.domain(), &call.id).await?.ok_or_else(inexistent)?;
    call.check_version(stored.version)?;
    let before = body::members(&stored.document)?;
    let mut client = before.clone();
    let changed = change(&mut client)?;
    if changed.is_empty() {
        return Ok(Answer::document(Value::Object(shown(call, client)), stored.version));
    }
    changes::check_keys(call, &before, &client)?;
    changes::check(call, &tenant, &call.id, &before, &client)?;
    write.put_client(&tenant, &call.id, &body::document(DocumentKind::Client, &client)?).await?;
    call.commit(write, Some(&call.id), &borrowed(&changed)).await?;
    Ok(Answer::document(Value::Object(shown(call, client)), stored.version + 1))
}

/// As at Auth0, a client that does not exist is deleted already.
async fn delete(call: Call) -> Result<Answer, ApiError> {
    let mut write = call.begin_write().await?;
    let Some(stored) = write.client(call.domain(), &call.id).await? else { return Ok(Answer::deleted()) };
    call.check_version(stored.version)?;
    client_grants::delete_of_client(&call, &mut write).await?;
    write.delete_client(call.domain(), &call.id).await?;
    call.commit(write, Some(&call.id), &[]).await?;
    Ok(Answer::deleted())
}

/// The tenant of the call, as it is stored.
async fn tenant(call: &Call, write: &mut DirectoryWrite) -> Result<Tenant, ApiError> {
    let stored = write.tenant(call.domain()).await?.ok_or_else(ApiError::tenant_is_gone)?;
    let (tenant, _) = documents::tenant(call.domain(), stored.document.expose())?;
    Ok(tenant)
}

/// What the caller may see of a client.
fn shown(call: &Call, mut client: Members) -> Members {
    if !call.caller.has("read:client_keys") {
        secrets::conceal(&mut client, &*call.service.server.issuers());
    }
    client
}

pub(crate) fn inexistent() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "inexistent_client", "The client does not exist")
}

/// A secret of 384 random bits, of 64 characters as at Auth0.
fn new_secret() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(random::<48>())
}
