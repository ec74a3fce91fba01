//! Keeps a panic inside the request that it happened in.

use std::any::Any;
use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use locum_engine::{Refusal, RefusalKind};

use crate::response;

/// A future that gives [`Panicked`] where the one inside panics.
pub(crate) struct Contained<F>(Pin<Box<F>>);

/// What is left of a panic. Its text may hold anything, so it goes no further than the process's panic hook.
#[derive(Debug)]
pub(crate) struct Panicked(());

impl<F: Future> Contained<F> {
    /// Call it where the future is made: it is large, and each wrapper around it would move it once more.
    #[inline]
    pub(crate) fn new(future: F) -> Self {
        Self(Box::pin(future))
    }
}

impl<F: Future> Future for Contained<F> {
    type Output = Result<F::Output, Panicked>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // What the future shares with other requests is behind locks of the standard library, which say if they were
        // poisoned; the future itself is never polled again.
        match catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(payload) => Poll::Ready(Err(Panicked::from(payload))),
        }
    }
}

impl From<Box<dyn Any + Send>> for Panicked {
    fn from(payload: Box<dyn Any + Send>) -> Self {
        // Dropping what was thrown may throw again.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
        Self(())
    }
}

impl Panicked {
    /// What the client is told; the log has the same reference.
    pub(crate) fn refusal(&self) -> Refusal {
        let reference = format!("{:016x}", RandomState::new().build_hasher().finish());
        tracing::error!(%reference, "a request panicked");
        Refusal::fault(RefusalKind::ServerError, &reference, "the request panicked")
    }
}

/// Around every endpoint: a panic is that request's 500.
pub(crate) async fn contain_panics(request: Request, next: Next) -> Response {
    contained(next.run(request)).await
}

/// The response, or the 500 of a panic.
pub(crate) async fn contained(response: impl Future<Output = Response>) -> Response {
    match Contained::new(response).await {
        Ok(response) => response,
        Err(panicked) => response::refusal(&panicked.refusal()),
    }
}
