//! `/tokeninfo` and `/userinfo`: the profile of the user whom a token names, where the tenant allows it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use locum_engine::ports::Endpoint;
use locum_engine::prepared::PreparedTenant;
use locum_engine::{Caller, Engine, ProfileRequest, ProfileResponse, Refusal};

use crate::endpoint::arrival::Arrival;
use crate::endpoint::delegation::preflight;
use crate::execution::answer;
use crate::request::{bearer_token, read_query};
use crate::response;
use crate::response::cors;
use crate::state::AppState;

/// Refuses what the engine was not given.
type Refuse = fn(&Engine, Refusal, Option<&PreparedTenant>, &Caller) -> ProfileResponse;

/// What both endpoints serve to pages.
const METHODS: &str = "GET, POST";

/// Tells the profile by an id_token in the query string.
pub(crate) async fn get_token_info(State(state): State<Arc<AppState>>, request: Request) -> Response {
    let read = |arrival: &Arrival, state: &AppState| {
        ProfileRequest::by_id_token(read_query(&arrival.head, &state.limits)?)
    };
    token_info(&state, request, read).await
}

/// Tells the profile by an id_token in a JSON or form body.
pub(crate) async fn post_token_info(State(state): State<Arc<AppState>>, request: Request) -> Response {
    let read = |arrival: &Arrival, state: &AppState| {
        let body = arrival.body.as_ref().map_err(Clone::clone)?;
        ProfileRequest::by_id_token(body.parameters(&state.limits)?)
    };
    token_info(&state, request, read).await
}

/// Tells the profile by an app token in the header `Authorization`, or in the query string.
pub(crate) async fn user_info(State(state): State<Arc<AppState>>, request: Request) -> Response {
    let read = |arrival: &Arrival, state: &AppState| {
        let parameters = read_query(&arrival.head, &state.limits)?;
        ProfileRequest::by_access_token(parameters, bearer_token(&arrival.head.headers)?)
    };
    let refuse = |engine: &Engine, refusal: Refusal, tenant: Option<&_>, caller: &Caller| {
        engine.refuse_unread_profile(Endpoint::UserInfo, refusal, tenant, caller)
    };
    let mut response = profile(&state, request, read, refuse).await;
    response::challenge_bearer(&mut response);
    response
}

/// Answers a preflight.
pub(crate) async fn options(State(state): State<Arc<AppState>>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    preflight(&state, &head, state.deadline(), METHODS, |_| "GET, HEAD, POST, OPTIONS").await
}

async fn token_info(
    state: &AppState,
    request: Request,
    read: fn(&Arrival, &AppState) -> Result<ProfileRequest, Refusal>,
) -> Response {
    let refuse = |engine: &Engine, refusal: Refusal, tenant: Option<&_>, caller: &Caller| {
        engine.refuse_unread_profile(Endpoint::TokenInfo, refusal, tenant, caller)
    };
    profile(state, request, read, refuse).await
}

async fn profile(
    state: &AppState,
    request: Request,
    read: fn(&Arrival, &AppState) -> Result<ProfileRequest, Refusal>,
    refuse: Refuse,
) -> Response {
    let arrival = match Arrival::of(request, state).await {
        Ok(arrival) => arrival,
        Err(refusal) => return response::refusal(&refusal),
    };
    let request = match &arrival.tenant {
        Ok(found) => ProfileRequest::allowed_by(found.as_deref()).and_then(|()| read(&arrival, state)),
        // Whether it allows them is not known: the engine says so.
        Err(_) => read(&arrival, state),
    };
    let Arrival { head, caller, tenant, deadline, .. } = arrival;
    let origin = cors::readable_by(state, &tenant, &head.headers, caller.ip, None, deadline).await;
    let tell = |engine: Arc<Engine>, tenant, request, caller: Arc<Caller>| async move {
        engine.read_profile(tenant, request, &caller).await
    };
    let answer = answer(state, tenant, caller, deadline, request, tell, refuse).await;
    let mut response = response::profile(&answer);
    cors::vary(response.headers_mut());
    if let Some(origin) = origin {
        cors::let_read(origin, response.headers_mut());
    }
    response
}
