//! The reply of a port: at once if the answer is in memory, else a future; and the error of those that are stores.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

/// A future that a port returns.
pub type PortFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The reply of a port. One from memory needs no allocation.
pub enum PortReply<'a, T> {
    /// The answer, which was in memory.
    Now(T),
    /// A future of the answer, which has to be fetched.
    Later(PortFuture<'a, T>),
}

impl<T> PortReply<'_, T> {
    /// Returns the answer, after waiting if it has to be fetched.
    pub async fn wait(self) -> T {
        match self {
            Self::Now(answer) => answer,
            Self::Later(answer) => answer.await,
        }
    }
}

/// The answers of both. They are asked at one moment, so that this takes as long as the slower one.
pub(crate) async fn both<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (mut first, mut second) = (None, None);
    poll_fn(|context| {
        if first.is_none()
            && let Poll::Ready(answer) = one.as_mut().poll(context)
        {
            first = Some(answer);
        }
        if second.is_none()
            && let Poll::Ready(answer) = other.as_mut().poll(context)
        {
            second = Some(answer);
        }
        match (first.take(), second.take()) {
            (Some(one), Some(other)) => Poll::Ready((one, other)),
            unfinished => {
                (first, second) = unfinished;
                Poll::Pending
            }
        }
    })
    .await
}

/// The reply of a store.
pub type StoreReply<'a, T> = PortReply<'a, Result<T, StoreUnavailable>>;

/// A store is unavailable. The text names the cause for operators; clients do not receive it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unavailable: {0}")]
pub struct StoreUnavailable(pub String);

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;

    fn first_poll(reply: PortReply<'_, u32>) -> Poll<u32> {
        pin!(reply.wait()).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn an_answer_from_memory_is_ready_at_once() {
        assert_eq!(first_poll(PortReply::Now(7)), Poll::Ready(7));
    }

    #[test]
    fn a_future_answer_is_ready_when_its_future_is() {
        assert_eq!(first_poll(PortReply::Later(Box::pin(std::future::ready(7)))), Poll::Ready(7));
        assert_eq!(first_poll(PortReply::Later(Box::pin(std::future::pending()))), Poll::Pending);
    }
}
