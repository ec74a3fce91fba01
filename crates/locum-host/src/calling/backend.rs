//! The interface to the place where a plugin runs: bytes in, bytes out, and errors of the call itself.

use std::sync::Arc;

use locum_engine::ports::{CallContext, PortFuture};
use tokio::time::Instant;

/// How a plugin is isolated from the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Isolation {
    /// The plugin runs in the host's process. A panic fails one request; a call that hangs blocks a worker thread while
    /// it hangs; an abort, a segmentation fault or a stack overflow terminates the host.
    #[default]
    InProcess,
}

/// One call of an issuer.
pub(crate) struct Call {
    /// The operation's number, from [`locum_abi::operation`].
    pub(crate) op: u32,
    pub(crate) context: CallContext,
    /// The operation's input as JSON.
    pub(crate) input: Vec<u8>,
}

/// What a plugin answered, as unchecked JSON: a reply, or a failure.
pub(crate) type RawAnswer = Result<Vec<u8>, Vec<u8>>;

/// Why a call gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallError {
    /// It did not return by the deadline.
    TimedOut,
    /// The plugin is quarantined and was not called.
    Quarantined,
    /// The call was made outside a tokio runtime, or the runtime is shutting down.
    NoRuntime,
}

/// Creates the issuers of one plugin.
pub(crate) trait Backend: Send + Sync {
    /// Configures an issuer. `configuration` is JSON; the error is a failure as JSON, unchecked.
    fn create(&self, configuration: &[u8]) -> Result<Arc<dyn ReadyIssuer>, Vec<u8>>;
}

/// A configured issuer.
pub(crate) trait ReadyIssuer: Send + Sync {
    /// Calls the issuer. The future completes by the deadline, whatever the issuer does.
    fn call(&self, call: Call, deadline: Instant) -> PortFuture<'_, Result<RawAnswer, CallError>>;
}
