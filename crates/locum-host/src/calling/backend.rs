//! The interface to the place where a plugin runs: bytes in, bytes out, and errors of the call itself.

use std::sync::Arc;
use std::time::Duration;

use locum_engine::ports::{CallContext, PortFuture};
use tokio::time::Instant;
use zeroize::Zeroizing;

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

/// Why no issuer was created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CreateError {
    /// The plugin refused the configuration with this failure, which is unchecked JSON.
    Refused(Vec<u8>),
    /// It did not return by the deadline.
    TimedOut,
    /// So many earlier calls still have not returned that it was not called.
    TooManyHang,
    /// The system gave no thread, or the thread panicked.
    NoThread,
}

/// Creates the issuers of one plugin.
pub(crate) trait Backend: Send + Sync {
    /// Configures an issuer. `configuration` is JSON. Returns by the deadline, whatever the plugin does.
    fn create(
        &self,
        configuration: Zeroizing<Vec<u8>>,
        deadline: Duration,
    ) -> Result<Arc<dyn ReadyIssuer>, CreateError>;
}

/// A configured issuer.
pub(crate) trait ReadyIssuer: Send + Sync {
    /// Calls the issuer. The future completes by the deadline, whatever the issuer does.
    fn call(&self, call: Call, deadline: Instant) -> PortFuture<'_, Result<RawAnswer, CallError>>;
}
