//! The grants of a tenant's document: they name clients by ids, because a tenant alone knows no names.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::TenantData;
use crate::documents::document::Document;

/// The document with the ids of clients that a tenant file names otherwise, as the deploy CLI does. Grants for other audiences
/// than the Management API stay as they are: nothing uses them.
pub(super) fn by_id(tenant: Document, data: &TenantData) -> Document {
    if data.tenant.management_grants.is_empty() {
        return tenant;
    }
    let ids: HashSet<&str> = data.clients.iter().map(|client| client.id.as_str()).collect();
    let audience = data.tenant.management_audience();
    let Ok(mut members) = serde_json::from_str::<Map<String, Value>>(tenant.expose()) else { return tenant };
    let grants = members.get_mut("clientGrants").and_then(Value::as_array_mut);
    let mut is_changed = false;
    for grant in grants.into_iter().flatten() {
        if grant.get("audience").and_then(Value::as_str) != Some(&audience) {
            continue;
        }
        let Some(Value::String(named)) = grant.get_mut("client_id") else { continue };
        let by_name = || data.clients.iter().find(|client| client.name.as_deref() == Some(named.as_str()));
        if !ids.contains(named.as_str())
            && let Some(client) = by_name()
        {
            named.clone_from(&client.id);
            is_changed = true;
        }
    }
    if is_changed { Document::from(Value::Object(members).to_string()) } else { tenant }
}
