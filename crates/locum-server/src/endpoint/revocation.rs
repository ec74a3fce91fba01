//! `POST /oauth/revoke`: revokes a token (RFC 7009).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use locum_engine::{Caller, Engine, RevocationRequest};

use crate::endpoint::arrival::Arrival;
use crate::execution::answer;
use crate::request::basic_credentials;
use crate::response;
use crate::state::AppState;

/// 200 without a body, whether there was such a token or not (RFC 7009 section 2.2), or the refusal.
pub(crate) async fn post(State(state): State<Arc<AppState>>, request: Request) -> Response {
    let Arrival { head, caller, tenant, body, deadline } = match Arrival::of(request, &state).await {
        Ok(arrival) => arrival,
        Err(refusal) => return response::refusal(&refusal),
    };
    let request = body.and_then(|body| {
        RevocationRequest::parse(body.parameters(&state.limits)?, basic_credentials(&head.headers)?)
    });
    let revoke = |engine: Arc<Engine>, tenant, request, caller: Arc<Caller>| async move {
        engine.revoke(tenant, request, &caller).await
    };
    let refuse = Engine::refuse_unread_revocation;
    let answer = answer(&state, tenant, caller, deadline, request, revoke, refuse).await;
    let mut response = response::revocation(&answer);
    response::challenge(&head.headers, answer.outcome.as_ref().err(), response.headers_mut());
    response
}
