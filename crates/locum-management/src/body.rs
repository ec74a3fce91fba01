//! Reads bodies: strict JSON of bounded size and depth, whose texts any database can keep.

use axum::body::Body;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use locum_store::documents::{Document, DocumentKind};
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::limits::BODY_BYTES_MAX;

/// The members of a JSON object, in their order.
pub(crate) type Members = Map<String, Value>;

/// Reads a body.
pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Members, ApiError> {
    check_type(headers)?;
    let bytes = match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            let message = format!("send at most {} KiB", BODY_BYTES_MAX >> 10);
            return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", message));
        }
        Err(_) => return Err(ApiError::invalid_body("", "the body is incomplete")),
    };
    let text =
        std::str::from_utf8(&bytes).map_err(|_| ApiError::invalid_body("", "the body is not UTF-8"))?;
    let members = members(&Document::from_json(DocumentKind::Client, text)?)?;
    let mut pointer = String::new();
    match first_nul(&members, &mut pointer) {
        false => Ok(members),
        true => Err(ApiError::invalid_body(&pointer, "a text contains U+0000; remove it")),
    }
}

/// The members of a document.
pub(crate) fn members(document: &Document) -> Result<Members, ApiError> {
    serde_json::from_str(document.expose()).map_err(ApiError::fault)
}

/// The document that has these members.
pub(crate) fn document(kind: DocumentKind, members: &Members) -> Result<Document, ApiError> {
    let text = serde_json::to_string(members).map_err(ApiError::fault)?;
    Ok(Document::from_json(kind, &text)?)
}

fn check_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let stated = headers.get(CONTENT_TYPE).map(|stated| stated.as_bytes()).unwrap_or_default();
    let essence = stated.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if essence.eq_ignore_ascii_case(b"application/json") && !headers.contains_key(CONTENT_ENCODING) {
        return Ok(());
    }
    let message = "send the body as application/json, without content-encoding";
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message))
}

/// Finds a text with U+0000, which PostgreSQL cannot keep in a column, and leaves its pointer in `pointer`.
fn first_nul(members: &Members, pointer: &mut String) -> bool {
    members.iter().any(|(name, value)| name.contains('\0') || nul_in(value, name, pointer))
}

fn nul_in(value: &Value, name: &str, pointer: &mut String) -> bool {
    let length = pointer.len();
    pointer.push('/');
    pointer.push_str(name);
    let found = match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => {
            items.iter().enumerate().any(|(index, item)| nul_in(item, &index.to_string(), pointer))
        }
        Value::Object(members) => first_nul(members, pointer),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    };
    if !found {
        pointer.truncate(length);
    }
    found
}
