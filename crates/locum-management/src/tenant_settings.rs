//! `/tenants/settings`: what a tenant is called, and its policy. Its domain, its keys and its grants are no settings.
//!
//! Auth0's settings are what the tenant file has under `tenant`, as the deploy CLI writes it; ours are fields of their own.

use locum_engine::prepared::PreparedTenant;
use locum_store::documents::{self, DocumentKind};
use serde_json::Value;

use crate::answer::Answer;
use crate::body::{self, Members};
use crate::call::Call;
use crate::endpoint::{Changes, Endpoint, Method};
use crate::error::ApiError;
use crate::merge::{self, borrowed};
use crate::paging::{FIELDS, INCLUDE_FIELDS, selected};
use crate::schema::Schema;
use crate::setting_names::{AUTH0, OWN};

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        operation: "get_tenant_settings",
        method: Method::Get,
        path: "/tenants/settings",
        summary: "The settings of the tenant.",
        changes: Changes::Nothing,
        scope: "read:tenant_settings",
        query: &[FIELDS, INCLUDE_FIELDS],
        body: None,
        success: (200, Some(Schema::TenantSettings)),
        handler: |call| Box::pin(get(call)),
    },
    Endpoint {
        operation: "update_tenant_settings",
        method: Method::Patch,
        path: "/tenants/settings",
        summary: "Replaces settings of the tenant; null removes one.",
        changes: Changes::Tenant,
        scope: "update:tenant_settings",
        query: &[],
        body: Some(Schema::TenantSettings),
        success: (200, Some(Schema::TenantSettings)),
        handler: |call| Box::pin(update(call)),
    },
];

async fn get(call: Call) -> Result<Answer, ApiError> {
    let stored = call.documents().tenant(call.domain()).await?.ok_or_else(ApiError::tenant_is_gone)?;
    let settings = settings(&body::members(&stored.document)?);
    Ok(Answer::document(Value::Object(selected(settings, &call.query)), stored.version))
}

async fn update(mut call: Call) -> Result<Answer, ApiError> {
    let patch = std::mem::take(&mut call.body);
    if let Some(name) =
        patch.keys().find(|name| !OWN.contains(&name.as_str()) && !AUTH0.contains(&name.as_str()))
    {
        return Err(ApiError::invalid_body(
            &format!("/{name}"),
            "it is no setting that can be changed; leave it out",
        ));
    }
    let mut write = call.begin_write().await?;
    let stored = write.tenant(call.domain()).await?.ok_or_else(ApiError::tenant_is_gone)?;
    call.check_version(stored.version)?;
    let mut tenant = body::members(&stored.document)?;
    let (own, auth0) = patch.into_iter().partition(|(name, _)| OWN.contains(&name.as_str()));
    let mut changed = merge::merge(&mut tenant, own);
    let mut of_auth0 = auth0_settings(&tenant);
    changed.extend(merge::merge(&mut of_auth0, auth0));
    if changed.is_empty() {
        return Ok(Answer::document(Value::Object(settings(&tenant)), stored.version));
    }
    if !of_auth0.is_empty() || tenant.contains_key("tenant") {
        tenant.insert("tenant".to_owned(), Value::Object(of_auth0));
    }
    let document = body::document(DocumentKind::Tenant, &tenant)?;
    // A tenant that cannot be prepared would be served no more.
    let (read, _) = documents::tenant(call.domain(), document.expose())?;
    PreparedTenant::prepare(read).map_err(|error| ApiError::invalid_body("", &error.to_string()))?;
    write.put_tenant(call.domain(), &document).await?;
    call.commit(write, None, &borrowed(&changed)).await?;
    Ok(Answer::document(Value::Object(settings(&tenant)), stored.version + 1))
}

/// The settings of a tenant's document.
fn settings(tenant: &Members) -> Members {
    let mut settings = auth0_settings(tenant);
    for name in OWN {
        if let Some(value) = tenant.get(name) {
            settings.insert(name.to_owned(), value.clone());
        }
    }
    settings
}

fn auth0_settings(tenant: &Members) -> Members {
    let mut settings = tenant.get("tenant").and_then(Value::as_object).cloned().unwrap_or_default();
    settings.retain(|name, _| !OWN.contains(&name.as_str()));
    settings
}
