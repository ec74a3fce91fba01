//! `/healthz` and `/readyz`: whether the process runs, and whether it can be given requests.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::response;
use crate::state::AppState;

/// 200 as long as anything is answered at all.
pub(crate) async fn live() -> Response {
    status(true)
}

/// 200 if the embedder says that it is ready, 503 if not.
pub(crate) async fn ready(State(state): State<Arc<AppState>>) -> Response {
    status((state.ready)())
}

fn status(healthy: bool) -> Response {
    if healthy {
        response::unstored(StatusCode::OK, br#"{"status":"ok"}"#.to_vec())
    } else {
        response::unstored(StatusCode::SERVICE_UNAVAILABLE, br#"{"status":"unavailable"}"#.to_vec())
    }
}
