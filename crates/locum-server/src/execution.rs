//! Runs the engine within bounds: so many requests that wait, so long each, and a panic is that request's own.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use locum_engine::ports::Found;
use locum_engine::prepared::PreparedTenant;
use locum_engine::{
    Caller, DelegationRequest, DelegationResponse, Refusal, RevocationRequest, RevocationResponse,
    TokenRequest, TokenResponse,
};
use tokio::time::{Instant, timeout_at};

use crate::panics::Contained;
use crate::refusals::{too_slow, unavailable};
use crate::state::AppState;

/// Delegates, whichever method the request came by.
pub(crate) async fn delegate(
    state: &AppState,
    tenant: Found<PreparedTenant>,
    request: DelegationRequest,
    caller: Caller,
    deadline: Instant,
) -> DelegationResponse {
    let caller = Arc::new(caller);
    let found = tenant.as_ref().ok().and_then(Clone::clone);
    let (engine, calling) = (Arc::clone(&state.engine), Arc::clone(&caller));
    let delegation = Contained::new(async move { engine.delegate(tenant, request, &calling).await });
    // The engine records what it answers; a request that it was not given, or did not finish, is recorded here.
    let engine = Arc::clone(&state.engine);
    run(state, deadline, delegation, move |refusal| engine.refuse_unread(refusal, found.as_deref(), &caller))
        .await
}

/// Exchanges a token.
pub(crate) async fn exchange(
    state: &AppState,
    tenant: Found<PreparedTenant>,
    request: TokenRequest,
    caller: Caller,
    deadline: Instant,
) -> TokenResponse {
    let caller = Arc::new(caller);
    let found = tenant.as_ref().ok().and_then(Clone::clone);
    let (engine, calling) = (Arc::clone(&state.engine), Arc::clone(&caller));
    let exchange = Contained::new(async move { engine.exchange(tenant, request, &calling).await });
    let engine = Arc::clone(&state.engine);
    let refuse = move |refusal| engine.refuse_unread_token_request(refusal, found.as_deref(), &caller);
    run(state, deadline, exchange, refuse).await
}

/// Revokes.
pub(crate) async fn revoke(
    state: &AppState,
    tenant: Found<PreparedTenant>,
    request: RevocationRequest,
    caller: Caller,
    deadline: Instant,
) -> RevocationResponse {
    let caller = Arc::new(caller);
    let found = tenant.as_ref().ok().and_then(Clone::clone);
    let (engine, calling) = (Arc::clone(&state.engine), Arc::clone(&caller));
    let revocation = Contained::new(async move { engine.revoke(tenant, request, &calling).await });
    let engine = Arc::clone(&state.engine);
    let refuse = move |refusal| engine.refuse_unread_revocation(refusal, found.as_deref(), &caller);
    run(state, deadline, revocation, refuse).await
}

/// Runs work to its end, or refuses it with `refuse` where it may not wait, or was not finished.
///
/// Work that needs nothing but this machine is done when it is polled for the first time, in the task of its connection.
/// Work that waits gets a permit, of which there are only so many, and a task of its own. A client that hangs up does
/// not cancel it, since a credential may be on its way from an upstream by then: it is finished, counted and audited as
/// any other.
async fn run<T: Send + 'static>(
    state: &AppState,
    deadline: Instant,
    mut work: Contained<impl Future<Output = T> + Send + 'static>,
    refuse: impl Fn(Refusal) -> T + Clone + Send + 'static,
) -> T {
    match poll_fn(|context| Poll::Ready(Pin::new(&mut work).poll(context))).await {
        Poll::Ready(Ok(done)) => return done,
        Poll::Ready(Err(panicked)) => return refuse(panicked.refusal()),
        Poll::Pending => {}
    }
    let Ok(permit) = Arc::clone(&state.in_flight).try_acquire_owned() else {
        return refuse(unavailable("too many requests in flight; try again"));
    };
    let refuse_unfinished = refuse.clone();
    let task = tokio::spawn(async move {
        let _held_to_the_end = permit;
        match timeout_at(deadline, work).await {
            Ok(Ok(done)) => done,
            Ok(Err(panicked)) => refuse_unfinished(panicked.refusal()),
            Err(_) => refuse_unfinished(too_slow()),
        }
    });
    task.await.unwrap_or_else(|_| refuse(unavailable("the server is stopping; try again")))
}
