//! What a port answers: at once where it has the answer in memory, or later.

use std::future::Future;
use std::pin::Pin;

/// A future that a port returns.
pub type PortFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The answer of a port.
pub enum PortReply<'a, T> {
    /// It was in memory.
    Now(T),
    /// It has to be fetched.
    Later(PortFuture<'a, T>),
}

impl<T> PortReply<'_, T> {
    /// The answer, which is waited for only if it has to be fetched.
    pub async fn wait(self) -> T {
        match self {
            Self::Now(answer) => answer,
            Self::Later(answer) => answer.await,
        }
    }
}
