//! The floor: a constant answer of an axum service, with as many bytes and the same headers as a credential has.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::post;

use crate::services::ideal::response;

/// As long as an app token of HS256.
const TOKEN_BYTES: usize = 340;

pub(crate) fn router() -> Router {
    let body =
        format!(r#"{{"token_type":"Bearer","expires_in":36000,"id_token":"{}"}}"#, "x".repeat(TOKEN_BYTES));
    let body = Bytes::from(body);
    Router::new()
        .route("/delegation", post(async move |_headers: HeaderMap, _body: Bytes| answer(body.clone())))
}

fn answer(body: Bytes) -> Response {
    let mut answer = response::unstored(StatusCode::OK, Body::from(body));
    response::add_rate(answer.headers_mut(), 10, 9, 1_700_000_000);
    answer
}
