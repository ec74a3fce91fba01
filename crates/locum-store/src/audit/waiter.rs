//! A request that waits until its event is written.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use locum_engine::ports::StoreUnavailable;

/// The writer's end.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) reference: String,
    pub(super) since: Instant,
    state: Mutex<WaiterState>,
}

#[derive(Debug, Default)]
struct WaiterState {
    answer: Option<Result<(), StoreUnavailable>>,
    /// Somebody waited, and went away before the answer.
    abandoned: bool,
    waker: Option<Waker>,
}

/// The request's end.
pub(super) struct Written(Arc<Waiter>);

impl Waiter {
    pub(super) fn new(reference: String) -> Arc<Self> {
        Arc::new(Self { reference, since: Instant::now(), state: Mutex::default() })
    }

    pub(super) fn future(self: &Arc<Self>) -> Written {
        Written(Arc::clone(self))
    }

    /// Answers the request, unless it was answered before. Whether this answer counts.
    pub(super) fn answer(&self, answer: Result<(), StoreUnavailable>) -> bool {
        let waker = {
            let mut state = self.lock();
            if state.answer.is_some() {
                return false;
            }
            state.answer = Some(answer);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    pub(super) fn is_answered(&self) -> bool {
        self.lock().answer.is_some()
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.lock().abandoned
    }

    fn lock(&self) -> MutexGuard<'_, WaiterState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Future for Written {
    type Output = Result<(), StoreUnavailable>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.0.lock();
        if let Some(answer) = &state.answer {
            return Poll::Ready(answer.clone());
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if state.answer.is_none() {
            state.abandoned = state.waker.is_some();
            if !state.abandoned {
                // Nobody ever waited for the answer, so that nothing is withheld by a refusal.
                state.answer = Some(Ok(()));
            }
        }
    }
}
