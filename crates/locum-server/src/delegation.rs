//! `/delegation`: a user's token in, a credential for somewhere else out.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::ALLOW;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;
use locum_engine::{Caller, DelegationResponse};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::attempt::attempt;
use crate::caller::caller;
use crate::cors::{self, Named};
use crate::shared::Shared;
use crate::{jsonp, parameters, wire};

/// The methods of the path.
const SERVED: &str = "POST, OPTIONS";
/// The same where the tenant has JSONP on.
const SERVED_WITH_JSONP: &str = "GET, POST, OPTIONS";

pub(crate) async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    match head.method {
        Method::POST => delegate(&shared, &head, body).await,
        Method::OPTIONS => preflight(&shared, &head).await,
        Method::GET if jsonp::is_on(&shared, &head).await => jsonp::delegate(&shared, &head).await,
        _ if jsonp::is_on(&shared, &head).await => wire::method_not_served(SERVED_WITH_JSONP),
        _ => wire::method_not_served(SERVED),
    }
}

async fn delegate(shared: &Shared, head: &Parts, body: Body) -> Response {
    let deadline = Instant::now() + shared.limits.request_deadline;
    let caller = match caller(head, &shared.proxies) {
        Ok(caller) => caller,
        Err(refusal) => return wire::refused(&refusal),
    };
    let parameters = parameters::read(head, body, &shared.limits, deadline).await;
    let readable_by = match cors::origin(&head.headers) {
        None => None,
        Some(origin) => {
            let named = parameters.as_ref().map_or(Named::Nobody, Named::by);
            let tenant = shared.tenant_on(&caller.host).await;
            tenant.is_ok_and(|tenant| cors::may_read(shared, &tenant, origin, &named)).then(|| origin.clone())
        }
    };
    let answer = match parameters {
        Ok(parameters) => work(shared, parameters, caller, deadline).await,
        Err(refusal) => shared.engine.refuse_unread(refusal, &caller),
    };
    let mut response = wire::answered(&answer);
    cors::vary(response.headers_mut());
    if let Some(origin) = readable_by {
        cors::let_read(origin, response.headers_mut());
    }
    response
}

/// The engine's part, whichever method brought the parameters.
pub(crate) async fn work(
    shared: &Shared,
    parameters: Map<String, Value>,
    caller: Caller,
    deadline: Instant,
) -> DelegationResponse {
    let caller = Arc::new(caller);
    let (engine, asking) = (Arc::clone(&shared.engine), Arc::clone(&caller));
    let delegation = async move { engine.delegate(parameters, &asking).await };
    // The engine records what it answers; what it was not asked, or not let finish, is recorded here.
    let engine = Arc::clone(&shared.engine);
    attempt(shared, deadline, delegation, move |refusal| engine.refuse_unread(refusal, &caller)).await
}

async fn preflight(shared: &Shared, head: &Parts) -> Response {
    let tenant = match shared.tenant(head).await {
        Ok(tenant) => tenant,
        Err(refusal) => return wire::refused(&refusal),
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let served = if jsonp::served_by(&tenant) { SERVED_WITH_JSONP } else { SERVED };
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(served));
    cors::preflight(shared, &tenant, &head.headers, response.headers_mut());
    response
}
