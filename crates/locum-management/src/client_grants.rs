//! `/client-grants`: which scopes clients may have at which audience. Those for the Management API itself are used; others are kept.
//!
//! They are the field `clientGrants` of the tenant's document.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use locum_database::directory::DirectoryWrite;
use locum_store::documents::DocumentKind;
use serde_json::Value;

use crate::answer::Answer;
use crate::body::{self, Members};
use crate::call::Call;
use crate::endpoint::{Changes, Endpoint, Method};
use crate::error::ApiError;
use crate::limits::SCOPE_BYTES_MAX;
use crate::merge::{self, borrowed};
use crate::paging::{FROM, INCLUDE_TOTALS, PAGE, PER_PAGE, Paging, Part, TAKE};
use crate::parameter::{Parameter, ParameterValue};
use crate::random::random;
use crate::schema::Schema;

/// Where the tenant's document has them.
const FIELD: &str = "clientGrants";

/// The fields of a new grant.
const FIELDS: [&str; 4] = ["client_id", "audience", "scope", "subject_type"];

const CLIENT_ID: Parameter =
    Parameter { name: "client_id", value: ParameterValue::Text, summary: "Only those of this client." };
const AUDIENCE: Parameter =
    Parameter { name: "audience", value: ParameterValue::Text, summary: "Only those for this audience." };

const SUBJECT_TYPE: Parameter = Parameter {
    name: "subject_type",
    value: ParameterValue::Word(&["client", "user"]),
    summary: "Only those for clients themselves, or for clients that act for users.",
};

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        operation: "list_client_grants",
        method: Method::Get,
        path: "/client-grants",
        summary: "Lists grants.",
        changes: Changes::Nothing,
        scope: "read:client_grants",
        query: &[PAGE, PER_PAGE, INCLUDE_TOTALS, FROM, TAKE, CLIENT_ID, AUDIENCE, SUBJECT_TYPE],
        body: None,
        success: (200, Some(Schema::ClientGrants)),
        handler: |call| Box::pin(list(call)),
    },
    Endpoint {
        operation: "create_client_grant",
        method: Method::Post,
        path: "/client-grants",
        summary: "Grants scopes to a client. Nobody grants scopes of the Management API that they lack.",
        changes: Changes::Tenant,
        scope: "create:client_grants",
        query: &[],
        body: Some(Schema::NewClientGrant),
        success: (201, Some(Schema::ClientGrant)),
        handler: |call| Box::pin(create(call)),
    },
    Endpoint {
        operation: "update_client_grant",
        method: Method::Patch,
        path: "/client-grants/{id}",
        summary: "Replaces the scopes of a grant.",
        changes: Changes::Tenant,
        scope: "update:client_grants",
        query: &[],
        body: Some(Schema::ClientGrantPatch),
        success: (200, Some(Schema::ClientGrant)),
        handler: |call| Box::pin(update(call)),
    },
    Endpoint {
        operation: "delete_client_grant",
        method: Method::Delete,
        path: "/client-grants/{id}",
        summary: "Deletes a grant.",
        changes: Changes::Tenant,
        scope: "delete:client_grants",
        query: &[],
        body: None,
        success: (204, None),
        handler: |call| Box::pin(delete(call)),
    },
];

async fn list(call: Call) -> Result<Answer, ApiError> {
    let paging = Paging::read(&call.query)?;
    let stored = call.documents().tenant(call.domain()).await?.ok_or_else(ApiError::tenant_is_gone)?;
    let mut entries: Vec<(String, Members)> = grants(&body::members(&stored.document)?)
        .into_iter()
        .map(|grant| (id(&grant), shown(grant)))
        .collect();
    for name in ["client_id", "audience"] {
        if let Some(wanted) = call.query.text(name) {
            entries.retain(|(_, grant)| text(grant, name) == wanted);
        }
    }
    if let Some(wanted) = call.query.text("subject_type") {
        let subject = |grant: &Members| match text(grant, "subject_type") {
            "" => "client".to_owned(),
            stated => stated.to_owned(),
        };
        entries.retain(|(_, grant)| subject(grant) == wanted);
    }
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    let total = entries.len() as u64;
    if let Paging::Checkpoint { after, .. } = &paging {
        entries.retain(|(id, _)| id > after);
    }
    let (start, count) = paging.offset();
    let entries = entries.into_iter().skip(start as usize).take(count as usize).collect();
    Ok(Answer::of(paging.answer("client_grants", Part { entries, total }, &call.query)))
}

async fn create(call: Call) -> Result<Answer, ApiError> {
    let mut grant = call.body.clone();
    if let Some(name) = grant.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(ApiError::invalid_body(
            &format!("/{name}"),
            "a grant does not have this field; leave it out",
        ));
    }
    for name in ["client_id", "audience"] {
        if text(&grant, name).is_empty() {
            return Err(ApiError::invalid_body(&format!("/{name}"), "write a text"));
        }
    }
    if grant.get("subject_type").is_some_and(|subject| !matches!(subject.as_str(), Some("client" | "user"))) {
        return Err(ApiError::invalid_body("/subject_type", "write `client` or `user`"));
    }
    check_scope(&call, text(&grant, "audience"), grant.get("scope"), None)?;
    let mut write = call.begin_write().await?;
    if write.client(call.domain(), text(&grant, "client_id")).await?.is_none() {
        return Err(ApiError::invalid_body("/client_id", "there is no client with this id"));
    }
    let mut grants = Stored::read(&call, &mut write).await?;
    let is_same = |other: &Members| {
        ["client_id", "audience"].iter().all(|name| text(other, name) == text(&grant, name))
            && text(other, "subject_type") == text(&grant, "subject_type")
    };
    if grants.grants.iter().any(is_same) {
        let message = "the client has a grant for this audience already; change that one";
        return Err(ApiError::conflict("grant_exists", message));
    }
    let new_id = format!("cgr_{}", hex::encode(random::<8>()));
    grant.insert("id".to_owned(), new_id.clone().into());
    grants.grants.push(grant.clone());
    grants.write(&call, &mut write).await?;
    call.commit(write, Some(&new_id), &borrowed(&grant.keys().cloned().collect::<Vec<_>>())).await?;
    Ok(Answer::created(Value::Object(shown(grant))))
}

async fn update(call: Call) -> Result<Answer, ApiError> {
    if let Some(name) = call.body.keys().find(|name| *name != "scope") {
        return Err(ApiError::invalid_body(&format!("/{name}"), "only the scope of a grant can be changed"));
    }
    let mut write = call.begin_write().await?;
    let mut grants = Stored::read(&call, &mut write).await?;
    let grant = grants.grants.iter_mut().find(|grant| id(grant) == call.id).ok_or_else(inexistent)?;
    check_scope(&call, text(grant, "audience"), call.body.get("scope"), grant.get("scope"))?;
    let changed = merge::merge(grant, call.body.clone());
    grant.insert("id".to_owned(), call.id.clone().into());
    let answer = Value::Object(shown(grant.clone()));
    if changed.is_empty() {
        return Ok(Answer::of(answer));
    }
    grants.write(&call, &mut write).await?;
    call.commit(write, Some(&call.id), &borrowed(&changed)).await?;
    Ok(Answer::of(answer))
}

/// As at Auth0, a grant that does not exist is deleted already.
async fn delete(call: Call) -> Result<Answer, ApiError> {
    let mut write = call.begin_write().await?;
    let mut grants = Stored::read(&call, &mut write).await?;
    let before = grants.grants.len();
    grants.grants.retain(|grant| id(grant) != call.id);
    if grants.grants.len() == before {
        return Ok(Answer::deleted());
    }
    grants.write(&call, &mut write).await?;
    call.commit(write, Some(&call.id), &[]).await?;
    Ok(Answer::deleted())
}

/// Deletes the grants of a client that is deleted: otherwise whoever creates one with its id has them.
pub(crate) async fn delete_of_client(call: &Call, write: &mut DirectoryWrite) -> Result<(), ApiError> {
    let mut grants = Stored::read(call, write).await?;
    let before = grants.grants.len();
    grants.grants.retain(|grant| text(grant, "client_id") != call.id);
    if grants.grants.len() == before { Ok(()) } else { grants.write(call, write).await }
}

/// The grants of a tenant, in a transaction.
struct Stored {
    tenant: Members,
    grants: Vec<Members>,
}

impl Stored {
    async fn read(call: &Call, write: &mut DirectoryWrite) -> Result<Self, ApiError> {
        let stored = write.tenant(call.domain()).await?.ok_or_else(ApiError::tenant_is_gone)?;
        let tenant = body::members(&stored.document)?;
        Ok(Self { grants: grants(&tenant), tenant })
    }

    async fn write(mut self, call: &Call, write: &mut DirectoryWrite) -> Result<(), ApiError> {
        let grants = self.grants.into_iter().map(Value::Object).collect();
        self.tenant.insert(FIELD.to_owned(), Value::Array(grants));
        let document = body::document(DocumentKind::Tenant, &self.tenant)?;
        Ok(write.put_tenant(call.domain(), &document).await?)
    }
}

fn grants(tenant: &Members) -> Vec<Members> {
    let grants = tenant.get(FIELD).and_then(Value::as_array);
    grants.into_iter().flatten().filter_map(Value::as_object).cloned().collect()
}

/// The id of a grant. One that came without, in a tenant file, has what it is about as its id.
fn id(grant: &Members) -> String {
    match grant.get("id").and_then(Value::as_str) {
        Some(id) => id.to_owned(),
        None => {
            let about = format!("{}\n{}", text(grant, "client_id"), text(grant, "audience"));
            format!("cgr_{}", BASE64_URL_SAFE_NO_PAD.encode(about))
        }
    }
}

fn shown(grant: Members) -> Members {
    let mut shown = Members::new();
    shown.insert("id".to_owned(), id(&grant).into());
    shown.extend(grant);
    shown
}

/// Checks scopes that a grant is given. Of the Management API those that it does not have yet must be the caller's own.
fn check_scope(
    call: &Call,
    audience: &str,
    scope: Option<&Value>,
    before: Option<&Value>,
) -> Result<(), ApiError> {
    let words = scope.and_then(Value::as_array).map(|words| words.iter().map(Value::as_str).collect());
    let Some(Some(mut words)) = words as Option<Option<Vec<&str>>> else {
        return Err(ApiError::invalid_body("/scope", "write a list of scopes"));
    };
    if let Some(index) = words.iter().position(|word| !is_scope(word)) {
        let message = format!("write one scope without spaces, of at most {SCOPE_BYTES_MAX} bytes");
        return Err(ApiError::invalid_body(&format!("/scope/{index}"), &message));
    }
    let before = before.and_then(Value::as_array);
    words.retain(|word| !before.is_some_and(|before| before.iter().any(|had| had == word)));
    let is_ours = audience == call.caller.tenant().tenant().management_audience();
    if is_ours && !call.caller.may_grant(words.iter().copied()) {
        let missing: Vec<&str> = words.into_iter().filter(|word| !call.caller.has(word)).collect();
        return Err(ApiError::insufficient_scope(&missing.join(" ")));
    }
    Ok(())
}

/// RFC 6749 section 3.3. A scope is also in headers of answers.
fn is_scope(word: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    (1..=SCOPE_BYTES_MAX).contains(&word.len()) && word.bytes().all(is_allowed)
}

fn text<'m>(members: &'m Members, name: &str) -> &'m str {
    members.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn inexistent() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "inexistent_client_grant", "The grant does not exist")
}
