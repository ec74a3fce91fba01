//! What every endpoint with a body finds out about a request first: who calls, at which tenant, with which body.

use axum::extract::Request;
use axum::http::request::Parts;
use locum_engine::ports::Found;
use locum_engine::prepared::PreparedTenant;
use locum_engine::{Caller, Refusal};
use tokio::time::Instant;

use crate::request::{Body, caller, read_body};
use crate::state::AppState;

/// A request that has arrived.
pub(super) struct Arrival {
    pub(super) head: Parts,
    pub(super) caller: Caller,
    pub(super) tenant: Found<PreparedTenant>,
    pub(super) body: Result<Body, Refusal>,
    /// When it must be answered.
    pub(super) deadline: Instant,
}

impl Arrival {
    /// Reads the request.
    ///
    /// # Errors
    /// It cannot be known who calls.
    pub(super) async fn of(request: Request, state: &AppState) -> Result<Self, Refusal> {
        let deadline = state.deadline();
        let (head, body) = request.into_parts();
        let caller = caller(&head, &state.proxies)?;
        let tenant = state.find_tenant(&caller.host, deadline).await;
        let body = read_body(&head, body, &state.limits, deadline).await;
        Ok(Self { head, caller, tenant, body, deadline })
    }
}
