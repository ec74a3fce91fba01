//! `POST /oauth/revoke`: revokes a token (RFC 7009).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use locum_engine::RevocationRequest;

use crate::execution::revoke;
use crate::request::{caller, read_body};
use crate::response;
use crate::state::AppState;

/// 200 without a body, whether there was such a token or not (RFC 7009 section 2.2), or the refusal.
pub(crate) async fn post(State(state): State<Arc<AppState>>, request: Request) -> Response {
    let deadline = state.deadline();
    let (head, body) = request.into_parts();
    let caller = match caller(&head, &state.proxies) {
        Ok(caller) => caller,
        Err(refusal) => return response::refusal(&refusal),
    };
    let tenant = state.find_tenant(&caller.host, deadline).await;
    let body = read_body(&head, body, &state.limits, deadline).await;
    let request = body.and_then(|body| RevocationRequest::parse(body.parameters(&state.limits)?));
    let answer = match request {
        Ok(request) => revoke(&state, tenant, request, caller, deadline).await,
        Err(refusal) => {
            let tenant = tenant.as_ref().ok().and_then(Option::as_deref);
            state.engine.refuse_unread_revocation(refusal, tenant, &caller)
        }
    };
    response::revocation(&answer)
}
