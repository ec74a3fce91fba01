//! `/keys/signing`: the RSA keys of the tenant. Their private halves are never shown.
//!
//! The next key is published before it signs, so that whoever keeps the JWKS for a while knows it when it does.

mod key_set;
mod shown;

use std::vec::IntoIter;

use axum::http::StatusCode;
use locum_store::NewSigningKey;
use locum_store::documents::DocumentKind;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::body::{self, Members};
use crate::call::Call;
use crate::endpoint::{Changes, Endpoint, Method};
use crate::error::ApiError;
use crate::schema::Schema;
use crate::signing_keys::key_set::{KeySet, LISTED, NEXT, Place, date, kid};
use crate::signing_keys::shown::{certificate, shown};

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        operation: "list_signing_keys",
        method: Method::Get,
        path: "/keys/signing",
        summary: "Lists the tenant's signing keys: the current one, the next one, and those before.",
        changes: Changes::Nothing,
        scope: "read:signing_keys",
        query: &[],
        body: None,
        success: (200, Some(Schema::SigningKeys)),
        handler: |call| Box::pin(list(call)),
    },
    Endpoint {
        operation: "create_signing_key",
        method: Method::Post,
        path: "/keys/signing",
        summary: "Makes the next signing key, for a tenant that has none.",
        changes: Changes::Tenant,
        scope: "create:signing_keys",
        query: &[],
        body: None,
        success: (201, Some(Schema::SigningKey)),
        handler: |call| Box::pin(create(call)),
    },
    Endpoint {
        operation: "rotate_signing_keys",
        method: Method::Post,
        path: "/keys/signing/rotate",
        summary: "Lets the next key sign from now on, and makes the one after it. The answer is about that one.",
        changes: Changes::Tenant,
        scope: "update:signing_keys",
        query: &[],
        body: None,
        success: (201, Some(Schema::ChangedSigningKey)),
        handler: |call| Box::pin(rotate(call)),
    },
    Endpoint {
        operation: "get_signing_key",
        method: Method::Get,
        path: "/keys/signing/{id}",
        summary: "A signing key, by its kid.",
        changes: Changes::Nothing,
        scope: "read:signing_keys",
        query: &[],
        body: None,
        success: (200, Some(Schema::SigningKey)),
        handler: |call| Box::pin(get(call)),
    },
    Endpoint {
        operation: "revoke_signing_key",
        method: Method::Put,
        path: "/keys/signing/{id}/revoke",
        summary: "Removes a signing key, in whose place another one is if it is the current or the next one.",
        changes: Changes::Tenant,
        scope: "update:signing_keys",
        query: &[],
        body: None,
        success: (201, Some(Schema::ChangedSigningKey)),
        handler: |call| Box::pin(revoke(call)),
    },
];

async fn list(call: Call) -> Result<Answer, ApiError> {
    let (keys, version) = stored(&call).await?;
    let all = keys.all().map(|(entry, place)| Value::Object(shown(entry, place)));
    Ok(Answer::document(all.collect(), version))
}

async fn get(call: Call) -> Result<Answer, ApiError> {
    let (keys, version) = stored(&call).await?;
    let (entry, place) = keys.all().find(|(entry, _)| kid(entry) == call.id).ok_or_else(inexistent)?;
    Ok(Answer::document(Value::Object(shown(entry, place)), version))
}

async fn create(call: Call) -> Result<Answer, ApiError> {
    stored(&call).await?.0.check_has_no_next()?;
    let mut made = new_keys(&call, 1).await?;
    change(&call, |keys, now| {
        keys.check_has_no_next()?;
        let next = keys.publish_next(made.next().ok_or_else(changed_meanwhile)?, now);
        Ok((kid(next).to_owned(), Value::Object(shown(next, Place::Next))))
    })
    .await
}

async fn rotate(call: Call) -> Result<Answer, ApiError> {
    let wait = call.service.tenants.publishing_seconds();
    stored(&call).await?.0.check_can_rotate(wait, call.record.at_unix_seconds())?;
    let mut made = new_keys(&call, 1).await?;
    change(&call, |keys, now| {
        keys.check_can_rotate(wait, now)?;
        let rotated = made.next().and_then(|key| keys.rotate(key, now));
        let next = rotated.ok_or_else(changed_meanwhile)?;
        Ok((kid(next).to_owned(), named(next)))
    })
    .await
}

async fn revoke(call: Call) -> Result<Answer, ApiError> {
    let needed = stored(&call).await?.0.needed_to_revoke(&call.id).ok_or_else(inexistent)?;
    let made = new_keys(&call, needed).await?;
    change(&call, |keys, now| {
        let revoked = keys.revoke(&call.id, made, now).ok_or_else(changed_meanwhile)?;
        Ok((call.id.clone(), named(&revoked)))
    })
    .await
}

/// The keys as they are, and the version of the tenant.
async fn stored(call: &Call) -> Result<(KeySet, Option<i64>), ApiError> {
    let stored = call.documents().tenant(call.domain()).await?.ok_or_else(ApiError::tenant_is_gone)?;
    Ok((KeySet::of(&body::members(&stored.document)?), stored.version))
}

/// Makes keys. It takes long, so it is done before others are kept from writing.
async fn new_keys(call: &Call, count: usize) -> Result<IntoIter<NewSigningKey>, ApiError> {
    let domain = call.domain().to_owned();
    let today = date(call.record.at_unix_seconds());
    let make = move || (0..count).map(|_| NewSigningKey::generate(&domain, today)).collect();
    let made: Result<Vec<_>, String> = tokio::task::spawn_blocking(make).await.map_err(ApiError::fault)?;
    Ok(made.map_err(ApiError::fault)?.into_iter())
}

/// Changes the keys, which nobody else writes meanwhile. `change` returns the kid for the audit event, and the answer.
async fn change(
    call: &Call,
    change: impl FnOnce(&mut KeySet, i64) -> Result<(String, Value), ApiError>,
) -> Result<Answer, ApiError> {
    let mut write = call.begin_write().await?;
    let stored = write.tenant(call.domain()).await?.ok_or_else(ApiError::tenant_is_gone)?;
    call.check_version(stored.version)?;
    let mut tenant = body::members(&stored.document)?;
    let mut keys = KeySet::of(&tenant);
    let (kid, answer) = change(&mut keys, call.record.at_unix_seconds())?;
    keys.write(&mut tenant);
    write.put_tenant(call.domain(), &body::document(DocumentKind::Tenant, &tenant)?).await?;
    call.commit(write, Some(&kid), &[LISTED, NEXT]).await?;
    Ok(Answer::made(answer, stored.version + 1))
}

/// What Auth0 answers about a key that was made or revoked.
fn named(entry: &Members) -> Value {
    let mut answer = json!({ "kid": kid(entry) });
    if let (Some(certificate), Some(answer)) = (certificate(entry), answer.as_object_mut()) {
        answer.insert("cert".to_owned(), pem::encode(&certificate).into());
    }
    answer
}

fn changed_meanwhile() -> ApiError {
    ApiError::conflict("keys_changed", "somebody has changed the keys since; read them again")
}

fn inexistent() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "inexistent_signing_key", "The signing key does not exist")
}
