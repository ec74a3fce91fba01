//! `/healthz` and `/readyz`: whether the process runs, and whether it can be given requests.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value};

use crate::response;
use crate::state::AppState;

/// 200 as long as anything is answered at all.
pub(crate) async fn live() -> Response {
    status(true, Map::new())
}

/// 200 if the embedder says that it is ready, 503 if not, with what the embedder shows.
pub(crate) async fn ready(State(state): State<Arc<AppState>>) -> Response {
    status((state.ready)(), (state.details)())
}

fn status(healthy: bool, details: Map<String, Value>) -> Response {
    let (code, text) =
        if healthy { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "unavailable") };
    let mut body = Map::new();
    body.insert("status".to_owned(), text.into());
    body.extend(details);
    response::unstored(code, Value::Object(body).to_string().into_bytes())
}
