//! One piece of the engine's work, done within its bounds: so many at once, so long each, and its panics its own.

use std::future::Future;
use std::sync::Arc;

use locum_engine::{Refusal, RefusalKind};
use tokio::time::{Instant, timeout_at};

use crate::contain::Contained;
use crate::shared::Shared;

/// Does the work, or says by `refuse` why it was not begun or not finished.
///
/// The work has a task of its own. A client that hangs up does not cancel it, since a credential may be on its way
/// from an upstream by then: it is finished, counted and audited as any other.
pub(crate) async fn attempt<T: Send + 'static>(
    shared: &Shared,
    deadline: Instant,
    work: impl Future<Output = T> + Send + 'static,
    refuse: impl Fn(Refusal) -> T + Clone + Send + 'static,
) -> T {
    let Ok(permit) = Arc::clone(&shared.in_flight).try_acquire_owned() else {
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

/// The refusal of a request that is not done at its deadline.
pub(crate) fn too_slow() -> Refusal {
    unavailable("the request took too long; try again")
}

fn unavailable(description: &str) -> Refusal {
    Refusal::new(RefusalKind::TemporarilyUnavailable, description)
}
