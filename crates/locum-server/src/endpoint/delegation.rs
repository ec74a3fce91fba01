//! `POST /delegation`: a user's token in, a credential for somewhere else out.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::ALLOW;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use locum_engine::prepared::PreparedTenant;
use locum_engine::{DelegationRequest, Refusal};
use tokio::time::Instant;

use crate::endpoint::arrival::Arrival;
use crate::endpoint::delegation_methods::methods_served;
use crate::execution::delegate;
use crate::request::address;
use crate::response;
use crate::response::cors;
use crate::state::AppState;

/// Delegates by the parameters of a JSON or form body.
pub(crate) async fn post(State(state): State<Arc<AppState>>, request: Request) -> Response {
    let Arrival { head, caller, tenant, body, deadline } = match Arrival::of(request, &state).await {
        Ok(arrival) => arrival,
        Err(refusal) => return response::refusal(&refusal),
    };
    let parameters = match &body {
        Ok(body) => body.parameters(&state.limits),
        Err(refusal) => Err(refusal.clone()),
    };
    let named = parameters.as_ref().ok();
    let origin = cors::readable_by(&state, &tenant, &head.headers, caller.ip, named, deadline).await;
    let request = parameters.and_then(DelegationRequest::parse);
    let answer = delegate(&state, tenant, caller, deadline, request).await;
    let mut response = response::delegation(&answer);
    cors::vary(response.headers_mut());
    if let Some(origin) = origin {
        cors::let_read(origin, response.headers_mut());
    }
    response
}

/// Answers a preflight.
pub(crate) async fn options(State(state): State<Arc<AppState>>, request: Request) -> Response {
    let deadline = state.deadline();
    let (head, _) = request.into_parts();
    preflight(&state, &head, deadline, "POST", |tenant| methods_served(Some(tenant))).await
}

/// The answer to a preflight for a path that serves these methods, and these of them to pages.
pub(super) async fn preflight(
    state: &AppState,
    head: &Parts,
    deadline: Instant,
    of_pages: &'static str,
    methods: fn(&PreparedTenant) -> &'static str,
) -> Response {
    match try_preflight(state, head, deadline, of_pages, methods).await {
        Ok(response) => response,
        Err(refusal) => response::refusal(&refusal),
    }
}

async fn try_preflight(
    state: &AppState,
    head: &Parts,
    deadline: Instant,
    of_pages: &'static str,
    methods: fn(&PreparedTenant) -> &'static str,
) -> Result<Response, Refusal> {
    let tenant = state.tenant(head, deadline).await?;
    let sent = (&head.headers, address(head, &state.proxies)?);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods(&tenant)));
    cors::preflight(state, &tenant, sent, deadline, of_pages, response.headers_mut()).await?;
    Ok(response)
}

/// Refuses any other method.
pub(crate) async fn not_served(State(state): State<Arc<AppState>>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let tenant = state.tenant(&head, state.deadline()).await;
    response::method_not_served(methods_served(tenant.as_ref().ok().map(|tenant| &**tenant)))
}
