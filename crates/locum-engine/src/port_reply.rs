//! The reply of a port: at once if the answer is in memory, else a future.

use std::future::Future;
use std::pin::Pin;

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
