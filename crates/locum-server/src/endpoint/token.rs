//! `POST /oauth/token`: a token exchange (RFC 8693), the same by an assertion (RFC 7523), or a management token (RFC 6749 section
//! 4.4).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use locum_engine::{Caller, Engine, RefusalKind, TokenRequest};

use crate::endpoint::arrival::Arrival;
use crate::endpoint::delegation::preflight;
use crate::execution::answer;
use crate::request::basic_credentials;
use crate::response;
use crate::response::cors;
use crate::state::AppState;

/// Exchanges by the parameters of a JSON or form body.
pub(crate) async fn post(State(state): State<Arc<AppState>>, request: Request) -> Response {
    let Arrival { head, caller, tenant, body, deadline } = match Arrival::of(request, &state).await {
        Ok(arrival) => arrival,
        Err(refusal) => return response::refusal(&refusal),
    };
    let parameters = match &body {
        Ok(body) => body.parameters_with(&state.limits, repeated),
        Err(refusal) => Err(refusal.clone()),
    };
    let named = parameters.as_ref().ok();
    let origin = cors::readable_by(&state, &tenant, &head.headers, caller.ip, named, deadline).await;
    let request =
        parameters.and_then(|parameters| TokenRequest::parse(parameters, basic_credentials(&head.headers)?));
    let exchange = |engine: Arc<Engine>, tenant, request, caller: Arc<Caller>| async move {
        engine.exchange(tenant, request, &caller).await
    };
    let refuse = Engine::refuse_unread_token_request;
    let answer = answer(&state, tenant, caller, deadline, request, exchange, refuse).await;
    let mut response = response::token(&answer);
    let headers = response.headers_mut();
    response::challenge(&head.headers, answer.outcome.as_ref().err(), headers);
    cors::vary(headers);
    if let Some(origin) = origin {
        cors::let_read(origin, headers);
    }
    response
}

/// Answers a preflight.
pub(crate) async fn options(State(state): State<Arc<AppState>>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    preflight(&state, &head, state.deadline(), "POST", |_| "POST, OPTIONS").await
}

/// One target is issued for at a time (RFC 8693 section 2.2.2).
fn repeated(name: &str) -> RefusalKind {
    match name {
        "audience" | "resource" => RefusalKind::InvalidTarget,
        _ => RefusalKind::InvalidRequest,
    }
}
