//! `/users`: the users that a tenant stores.

use axum::http::StatusCode;
use serde_json::Value;

use crate::answer::Answer;
use crate::body::{self, Members};
use crate::call::Call;
use crate::directory::Listed;
use crate::endpoint::{Changes, Endpoint, Method};
use crate::error::ApiError;
use crate::merge::{borrowed, id_of};
use crate::paging::{FIELDS, INCLUDE_FIELDS, INCLUDE_TOTALS, PAGE, PER_PAGE, Paging, Part, selected};
use crate::parameter::{Parameter, ParameterValue};
use crate::random::random;
use crate::schema::Schema;
use crate::{identities, merge};
use locum_store::documents::DocumentKind;

const SEARCH: Parameter = Parameter {
    name: "q",
    value: ParameterValue::Form(r#"^(user_id|email):"[^"\\*]+"$"#),
    summary: "`user_id:\"…\"` or `email:\"…\"`; other searches are refused.",
};
const SEARCH_ENGINE: Parameter = Parameter {
    name: "search_engine",
    value: ParameterValue::Word(&["v3"]),
    summary: "The version of Auth0's search, whose words `q` has.",
};

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        operation: "list_users",
        method: Method::Get,
        path: "/users",
        summary: "Lists users in the order of their ids.",
        changes: Changes::Nothing,
        scope: "read:users",
        query: &[PAGE, PER_PAGE, INCLUDE_TOTALS, FIELDS, INCLUDE_FIELDS, SEARCH, SEARCH_ENGINE],
        body: None,
        success: (200, Some(Schema::Users)),
        handler: |call| Box::pin(list(call)),
    },
    Endpoint {
        operation: "create_user",
        method: Method::Post,
        path: "/users",
        summary: "Creates a user. The id is generated unless it is given.",
        changes: Changes::Tenant,
        scope: "create:users",
        query: &[],
        body: Some(Schema::NewUser),
        success: (201, Some(Schema::User)),
        handler: |call| Box::pin(create(call)),
    },
    Endpoint {
        operation: "get_user",
        method: Method::Get,
        path: "/users/{id}",
        summary: "A user.",
        changes: Changes::Nothing,
        scope: "read:users",
        query: &[FIELDS, INCLUDE_FIELDS],
        body: None,
        success: (200, Some(Schema::User)),
        handler: |call| Box::pin(get(call)),
    },
    Endpoint {
        operation: "update_user",
        method: Method::Patch,
        path: "/users/{id}",
        summary: "Replaces fields of a user; null removes one.",
        changes: Changes::Tenant,
        scope: "update:users",
        query: &[],
        body: Some(Schema::UserPatch),
        success: (200, Some(Schema::User)),
        handler: |call| Box::pin(update(call)),
    },
    Endpoint {
        operation: "delete_user",
        method: Method::Delete,
        path: "/users/{id}",
        summary: "Deletes a user.",
        changes: Changes::Tenant,
        scope: "delete:users",
        query: &[],
        body: None,
        success: (204, None),
        handler: |call| Box::pin(delete(call)),
    },
];

async fn list(call: Call) -> Result<Answer, ApiError> {
    let paging = Paging::read(&call.query)?;
    let documents = call.documents();
    let (start, count) = paging.offset();
    let listed = match call.query.text("q").map(Search::read).transpose()? {
        None => documents.users(call.domain(), &paging.page()).await?,
        Some(Search::Email(email)) => documents.users_by_email(call.domain(), email, start, count).await?,
        Some(Search::UserId(user_id)) => {
            let found = documents.user(call.domain(), user_id).await?;
            let total = u64::from(found.is_some());
            let entries = found.filter(|_| start == 0).map(|stored| (user_id.to_owned(), stored.document));
            Listed { entries: entries.into_iter().collect(), total }
        }
    };
    let entries =
        listed.entries.iter().map(|(id, document)| Ok((id.clone(), shown(&call, body::members(document)?))));
    let entries = entries.collect::<Result<_, ApiError>>()?;
    Ok(Answer::of(paging.answer("users", Part { entries, total: listed.total }, &call.query)))
}

/// What `q` asks for.
enum Search<'a> {
    UserId(&'a str),
    Email(&'a str),
}

impl<'a> Search<'a> {
    fn read(text: &'a str) -> Result<Self, ApiError> {
        let value = |name: &str| {
            let quoted = text.trim().strip_prefix(name)?.strip_prefix(":\"")?.strip_suffix('"')?;
            (!quoted.is_empty() && !quoted.contains(['"', '\\', '*'])).then_some(quoted)
        };
        let found = value("user_id").map(Search::UserId).or_else(|| value("email").map(Search::Email));
        found.ok_or_else(|| ApiError::invalid_query("q must be user_id:\"…\" or email:\"…\""))
    }
}

async fn get(call: Call) -> Result<Answer, ApiError> {
    let stored = call.documents().user(call.domain(), &call.id).await?;
    let stored = stored.ok_or_else(inexistent)?;
    let user = shown(&call, body::members(&stored.document)?);
    Ok(Answer::document(Value::Object(selected(user, &call.query)), stored.version))
}

async fn create(call: Call) -> Result<Answer, ApiError> {
    let mut user = call.body.clone();
    check(&user)?;
    let user_id =
        id_of(&user, "user_id")?.unwrap_or_else(|| format!("auth0|{}", hex::encode(random::<12>())));
    user.insert("user_id".to_owned(), user_id.clone().into());
    user.retain(|_, value| !value.is_null());
    let mut write = call.begin_write().await?;
    if write.user(call.domain(), &user_id).await?.is_some() {
        return Err(ApiError::conflict("user_exists", "there is a user with this user_id already"));
    }
    write.put_user(call.domain(), &user_id, &body::document(DocumentKind::User, &user)?).await?;
    let fields: Vec<String> = user.keys().cloned().collect();
    call.commit(write, Some(&user_id), &borrowed(&fields)).await?;
    Ok(Answer::created(Value::Object(shown(&call, user))))
}

async fn update(mut call: Call) -> Result<Answer, ApiError> {
    merge::refuse_identity(&call.body, "user_id")?;
    check(&call.body)?;
    let mut patch = std::mem::take(&mut call.body);
    let mut write = call.begin_write().await?;
    let stored = write.user(call.domain(), &call.id).await?.ok_or_else(inexistent)?;
    call.check_version(stored.version)?;
    let mut user = body::members(&stored.document)?;
    identities::keep_absent_tokens(&mut patch, &user);
    let changed = merge::merge(&mut user, patch);
    if changed.is_empty() {
        return Ok(Answer::document(Value::Object(shown(&call, user)), stored.version));
    }
    write.put_user(call.domain(), &call.id, &body::document(DocumentKind::User, &user)?).await?;
    call.commit(write, Some(&call.id), &borrowed(&changed)).await?;
    Ok(Answer::document(Value::Object(shown(&call, user)), stored.version + 1))
}

/// As at Auth0, a user that does not exist is deleted already.
async fn delete(call: Call) -> Result<Answer, ApiError> {
    let mut write = call.begin_write().await?;
    let Some(stored) = write.user(call.domain(), &call.id).await? else { return Ok(Answer::deleted()) };
    call.check_version(stored.version)?;
    write.delete_user(call.domain(), &call.id).await?;
    call.commit(write, Some(&call.id), &[]).await?;
    Ok(Answer::deleted())
}

/// Refuses what must not be stored, or cannot be found by.
fn check(user: &Members) -> Result<(), ApiError> {
    if user.contains_key("password") {
        let message = "Locum signs nobody in and keeps no passwords; leave it out";
        return Err(ApiError::invalid_body("/password", message));
    }
    if user.get("email").is_some_and(|email| !email.is_string() && !email.is_null()) {
        return Err(ApiError::invalid_body("/email", "write a text"));
    }
    merge::check_lengths(user, &["email"])
}

/// What the caller may see of a user.
fn shown(call: &Call, mut user: Members) -> Members {
    if !call.caller.has("read:user_idp_tokens") {
        identities::conceal_tokens(&mut user);
    }
    user
}

fn inexistent() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "inexistent_user", "The user does not exist")
}
