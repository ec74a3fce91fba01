//! What a call is answered with if it succeeds.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::Value;

/// A success.
pub(crate) struct Answer {
    status: StatusCode,
    body: Option<Value>,
    /// The version of the document.
    version: Option<i64>,
}

impl Answer {
    pub(crate) fn of(body: Value) -> Self {
        Self { status: StatusCode::OK, body: Some(body), version: None }
    }

    /// A document as it is, with its version. Those of files have none.
    pub(crate) fn document(body: Value, version: impl Into<Option<i64>>) -> Self {
        Self { version: version.into(), ..Self::of(body) }
    }

    /// A document that was created.
    pub(crate) fn created(body: Value) -> Self {
        Self::made(body, 1)
    }

    /// What was created in a document, which has this version from now on.
    pub(crate) fn made(body: Value, version: i64) -> Self {
        Self { status: StatusCode::CREATED, ..Self::document(body, version) }
    }

    pub(crate) fn deleted() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None, version: None }
    }

    pub(crate) fn into_response(self) -> Response {
        let mut response = Response::default();
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some(tag) = self.version.and_then(|version| HeaderValue::try_from(tag(version)).ok()) {
            headers.insert(ETAG, tag);
        }
        if let Some(body) = self.body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *response.body_mut() = Body::from(body.to_string());
        }
        response
    }
}

/// The entity tag of a version (RFC 9110 section 8.8.3).
pub(crate) fn tag(version: i64) -> String {
    format!("\"{version}\"")
}
