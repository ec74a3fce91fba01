//! `/device-credentials`: the refresh tokens of a user, one entry for what a device was given when its user signed in, and all that
//! has followed from it.

use locum_database::{Database, DeviceCredential, DeviceQuery};
use locum_engine::ports::RefreshTokens as _;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::body::Members;
use crate::call::Call;
use crate::endpoint::{Changes, Endpoint, Method};
use crate::error::ApiError;
use crate::paging::{FIELDS, INCLUDE_FIELDS, INCLUDE_TOTALS, PAGE, PER_PAGE, Paging, Part};
use crate::parameter::{Parameter, ParameterValue};
use crate::schema::Schema;

const USER_ID: Parameter =
    Parameter { name: "user_id", value: ParameterValue::Required, summary: "Those of this user." };
const CLIENT_ID: Parameter =
    Parameter { name: "client_id", value: ParameterValue::Text, summary: "Only those of this client." };
const TYPE: Parameter = Parameter {
    name: "type",
    value: ParameterValue::Word(&["refresh_token"]),
    summary: "The only type that there is.",
};

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        operation: "list_device_credentials",
        method: Method::Get,
        path: "/device-credentials",
        summary: "Lists the refresh tokens of a user, one for each device.",
        changes: Changes::Nothing,
        scope: "read:device_credentials",
        query: &[PAGE, PER_PAGE, INCLUDE_TOTALS, FIELDS, INCLUDE_FIELDS, USER_ID, CLIENT_ID, TYPE],
        body: None,
        success: (200, Some(Schema::DeviceCredentials)),
        handler: |call| Box::pin(list(call)),
    },
    Endpoint {
        operation: "delete_device_credential",
        method: Method::Delete,
        path: "/device-credentials/{id}",
        summary: "Revokes the refresh tokens of a device.",
        changes: Changes::RefreshTokens,
        scope: "delete:device_credentials",
        query: &[],
        body: None,
        success: (204, None),
        handler: |call| Box::pin(delete(call)),
    },
];

async fn list(call: Call) -> Result<Answer, ApiError> {
    let paging = Paging::read(&call.query)?;
    let (start, count) = paging.offset();
    let query = DeviceQuery {
        tenant: call.domain(),
        user_id: call.query.text("user_id").unwrap_or_default(),
        client_id: call.query.text("client_id").filter(|client_id| !client_id.is_empty()),
        start,
        count,
        now: call.record.at_unix_seconds(),
    };
    let (credentials, total) = match store(&call) {
        Some(store) => store.device_credentials(query).await.map_err(unavailable)?,
        None => (Vec::new(), 0),
    };
    let entries = credentials.into_iter().map(shown).collect();
    Ok(Answer::of(paging.answer("device_credentials", Part { entries, total }, &call.query)))
}

/// As at Auth0, what does not exist is deleted already.
async fn delete(call: Call) -> Result<Answer, ApiError> {
    let Some(store) = store(&call) else { return Ok(Answer::deleted()) };
    let now = call.record.at_unix_seconds();
    let found = store.device_credential(call.domain(), &call.id, now).await.map_err(unavailable)?;
    if found.is_some() {
        call.record_change(Some(&call.id), &[]).await?;
        let revoked = store.revoke_family(call.domain(), &call.id, now).wait().await;
        revoked.map_err(|why| unavailable(why.0))?;
    }
    Ok(Answer::deleted())
}

/// Where refresh tokens are, if the server keeps any.
fn store(call: &Call) -> Option<&Database> {
    call.service.refresh_tokens.as_ref()
}

fn shown(credential: DeviceCredential) -> (String, Members) {
    let DeviceCredential { family, client_id, user_id, device, .. } = credential;
    let mut entry = Members::new();
    entry.insert("id".to_owned(), family.clone().into());
    entry.insert("type".to_owned(), json!("refresh_token"));
    entry.insert("user_id".to_owned(), user_id.into());
    entry.insert("client_id".to_owned(), client_id.into());
    if let Some(device) = device {
        entry.insert("device_name".to_owned(), Value::String(device));
    }
    (family, entry)
}

fn unavailable(why: impl ToString) -> ApiError {
    ApiError::unavailable("the database is unavailable; try again", why)
}
