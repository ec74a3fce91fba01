//! Responses with the headers that Locum's have.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, PRAGMA, VARY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::json;

use crate::services::ideal::buckets::Decision;
use crate::services::ideal::refusal::Refusal;

const X_RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RATELIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// The response to an exchange.
pub(super) fn of(outcome: Result<Vec<u8>, Refusal>, rate: Option<&Decision>) -> Response {
    let mut response = match outcome {
        Ok(body) => unstored(StatusCode::OK, Body::from(body)),
        Err(Refusal { status, code, description }) => {
            let body = json!({"error": code, "error_description": description}).to_string();
            unstored(status, Body::from(body))
        }
    };
    if let Some(rate) = rate {
        add_rate(response.headers_mut(), rate.limit, rate.remaining, rate.reset_unix_seconds);
    }
    response
}

/// JSON that no cache keeps.
pub(crate) fn unstored(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(VARY, HeaderValue::from_static("Origin"));
    response
}

/// The rate limit as it stands.
pub(crate) fn add_rate(headers: &mut HeaderMap, limit: u64, remaining: u64, reset: u64) {
    headers.insert(X_RATELIMIT_LIMIT, limit.into());
    headers.insert(X_RATELIMIT_REMAINING, remaining.into());
    headers.insert(X_RATELIMIT_RESET, reset.into());
}
