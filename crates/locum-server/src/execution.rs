//! Runs the engine within bounds: so many requests at once, so long each, and a panic is that request's own.

use std::future::Future;
use std::sync::Arc;

use locum_engine::ports::Found;
use locum_engine::prepared::PreparedTenant;
use locum_engine::{Caller, DelegationResponse, Refusal, RevocationResponse};
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};

use crate::panics::Contained;
use crate::refusals::{too_slow, unavailable};
use crate::state::AppState;

/// Delegates, whichever method the parameters came by.
pub(crate) async fn delegate(
    state: &AppState,
    tenant: Found<PreparedTenant>,
    parameters: Map<String, Value>,
    caller: Caller,
    deadline: Instant,
) -> DelegationResponse {
    let caller = Arc::new(caller);
    let found = tenant.as_ref().ok().and_then(Clone::clone);
    let (engine, calling) = (Arc::clone(&state.engine), Arc::clone(&caller));
    let delegation = async move { engine.delegate(tenant, parameters, &calling).await };
    // The engine records what it answers; a request that it was not given, or did not finish, is recorded here.
    let engine = Arc::clone(&state.engine);
    run(state, deadline, delegation, move |refusal| engine.refuse_unread(refusal, found.as_deref(), &caller))
        .await
}

/// Revokes.
pub(crate) async fn revoke(
    state: &AppState,
    tenant: Found<PreparedTenant>,
    parameters: Map<String, Value>,
    caller: Caller,
    deadline: Instant,
) -> RevocationResponse {
    let caller = Arc::new(caller);
    let found = tenant.as_ref().ok().and_then(Clone::clone);
    let (engine, calling) = (Arc::clone(&state.engine), Arc::clone(&caller));
    let revocation = async move { engine.revoke(tenant, parameters, &calling).await };
    let engine = Arc::clone(&state.engine);
    let refuse = move |refusal| engine.refuse_unread_revocation(refusal, found.as_deref(), &caller);
    run(state, deadline, revocation, refuse).await
}

/// Runs work to its end, or refuses it with `refuse` where it was not begun or not finished.
///
/// The work has a task of its own. A client that hangs up does not cancel it, since a credential may be on its way
/// from an upstream by then: it is finished, counted and audited as any other.
async fn run<T: Send + 'static>(
    state: &AppState,
    deadline: Instant,
    work: impl Future<Output = T> + Send + 'static,
    refuse: impl Fn(Refusal) -> T + Clone + Send + 'static,
) -> T {
    let Ok(permit) = Arc::clone(&state.in_flight).try_acquire_owned() else {
        return refuse(unavailable("too many requests in flight; try again"));
    };
    let refuse_unfinished = refuse.clone();
    // Into its box before anything else: this future is large, and each wrapper around it would move it once more.
    let contained = Contained::new(work);
    let task = tokio::spawn(async move {
        let _held_to_the_end = permit;
        match timeout_at(deadline, contained).await {
            Ok(Ok(done)) => done,
            Ok(Err(panicked)) => refuse_unfinished(panicked.refusal()),
            Err(_) => refuse_unfinished(too_slow()),
        }
    });
    task.await.unwrap_or_else(|_| refuse(unavailable("the server is stopping; try again")))
}
