//! Runs the engine within bounds: so many requests that wait, so long each, and a panic is that request's own.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use locum_engine::ports::Found;
use locum_engine::prepared::PreparedTenant;
use locum_engine::{Caller, DelegationRequest, DelegationResponse, Engine, Refusal};
use tokio::time::{Instant, timeout_at};

use crate::panics::Contained;
use crate::refusals::{too_slow, unavailable};
use crate::state::AppState;

/// Delegates, whichever method the request came by.
pub(crate) async fn delegate(
    state: &AppState,
    tenant: Found<PreparedTenant>,
    caller: Caller,
    deadline: Instant,
    request: Result<DelegationRequest, Refusal>,
) -> DelegationResponse {
    let delegate = |engine: Arc<Engine>, tenant, request, caller: Arc<Caller>| async move {
        engine.delegate(tenant, request, &caller).await
    };
    answer(state, tenant, caller, deadline, request, delegate, Engine::refuse_unread).await
}

/// What the engine answers to a request, by `work`. A request that could not be read, that the engine was not given or that it did
/// not finish is answered and recorded by `refuse`.
pub(crate) async fn answer<Q, T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    state: &AppState,
    tenant: Found<PreparedTenant>,
    caller: Caller,
    deadline: Instant,
    request: Result<Q, Refusal>,
    work: impl FnOnce(Arc<Engine>, Found<PreparedTenant>, Q, Arc<Caller>) -> F,
    refuse: fn(&Engine, Refusal, Option<&PreparedTenant>, &Caller) -> T,
) -> T {
    let found = tenant.as_ref().ok().and_then(Clone::clone);
    let request = match request {
        Ok(request) => request,
        Err(refusal) => return refuse(&state.engine, refusal, found.as_deref(), &caller),
    };
    let caller = Arc::new(caller);
    let work = Contained::new(work(Arc::clone(&state.engine), tenant, request, Arc::clone(&caller)));
    let engine = Arc::clone(&state.engine);
    run(state, deadline, work, move |refusal| refuse(&engine, refusal, found.as_deref(), &caller)).await
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
