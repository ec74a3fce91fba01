//! `POST /oauth/introspect`: says whether a token is valid, and what it says (RFC 7662).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use locum_engine::{Caller, Engine, IntrospectionRequest, Refusal};

use crate::endpoint::arrival::Arrival;
use crate::execution::answer;
use crate::request::basic_credentials;
use crate::response;
use crate::state::AppState;

/// Introspects by the parameters of a JSON or form body.
pub(crate) async fn post(State(state): State<Arc<AppState>>, request: Request) -> Response {
    let Arrival { head, caller, tenant, body, deadline } = match Arrival::of(request, &state).await {
        Ok(arrival) => arrival,
        Err(refusal) => return response::refusal(&refusal),
    };
    let request = body.and_then(|body| {
        IntrospectionRequest::parse(body.parameters(&state.limits)?, basic_credentials(&head.headers)?)
    });
    let introspect = |engine: Arc<Engine>, tenant, request, caller: Arc<Caller>| async move {
        engine.introspect(tenant, request, &caller).await
    };
    let refuse = |engine: &Engine, refusal: Refusal, tenant: Option<&_>, caller: &Caller| {
        Err(engine.refuse_unread_introspection(refusal, tenant, caller))
    };
    let answer = answer(&state, tenant, caller, deadline, request, introspect, refuse).await;
    let mut response = response::introspection(&answer);
    response::challenge(&head.headers, answer.as_ref().err(), response.headers_mut());
    response
}
