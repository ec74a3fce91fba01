//! `POST /oauth/revoke`: revokes a token (RFC 7009).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use locum_engine::Refusal;

use crate::execution::run;
use crate::request::{caller, read_body};
use crate::response;
use crate::state::AppState;

/// 200 without a body, whether there was such a token or not (RFC 7009 section 2.2), or the refusal.
pub(crate) async fn post(State(state): State<Arc<AppState>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    match revoke(&state, &head, body).await {
        Ok(()) => response::empty(StatusCode::OK),
        Err(refusal) => response::refusal(&refusal),
    }
}

async fn revoke(state: &AppState, head: &Parts, body: Body) -> Result<(), Refusal> {
    let deadline = state.deadline();
    let caller = caller(head, &state.proxies)?;
    let tenant = state.find_tenant(&caller.host, deadline).await;
    let parameters = read_body(head, body, &state.limits, deadline).await?;
    let engine = Arc::clone(&state.engine);
    run(state, deadline, async move { engine.revoke(tenant, parameters, &caller).await }, Err).await
}
