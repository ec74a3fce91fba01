//! `/healthz` and `/readyz`: whether the process runs, and whether it can be given requests.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;

use crate::shared::Shared;
use crate::wire;

/// 200 as long as anything is answered at all.
pub(crate) async fn live(request: Request) -> Response {
    of(&request, || true)
}

/// 200 if the embedder says that it is ready, 503 if not.
pub(crate) async fn ready(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    of(&request, || (shared.ready)())
}

fn of(request: &Request, good: impl FnOnce() -> bool) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return wire::method_not_served("GET, HEAD");
    }
    if good() {
        wire::unstored(StatusCode::OK, br#"{"status":"ok"}"#.to_vec())
    } else {
        wire::unstored(StatusCode::SERVICE_UNAVAILABLE, br#"{"status":"unavailable"}"#.to_vec())
    }
}
