//! `POST /oauth/revoke`: takes a token back (RFC 7009).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use locum_engine::Refusal;
use tokio::time::Instant;

use crate::attempt::attempt;
use crate::caller::caller;
use crate::shared::Shared;
use crate::{parameters, wire};

/// 200 without a body, whether there was such a token or not (RFC 7009 section 2.2), or the refusal.
pub(crate) async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    if head.method != Method::POST {
        return wire::method_not_served("POST");
    }
    match revoke(&shared, &head, body).await {
        Ok(()) => wire::empty(StatusCode::OK),
        Err(refusal) => wire::refused(&refusal),
    }
}

async fn revoke(shared: &Shared, head: &Parts, body: Body) -> Result<(), Refusal> {
    let deadline = Instant::now() + shared.limits.request_deadline;
    let caller = caller(head, &shared.proxies)?;
    let parameters = parameters::read(head, body, &shared.limits, deadline).await?;
    let engine = Arc::clone(&shared.engine);
    attempt(shared, deadline, async move { engine.revoke(parameters, &caller).await }, Err).await
}
