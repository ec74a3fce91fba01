//! Where a plugin runs, as a seam: bytes go in, bytes come out, and a call may be lost on the way.

use std::sync::Arc;

use locum_engine::ports::{CallContext, PortFuture};
use tokio::time::Instant;

/// How far a plugin is kept away from the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Isolation {
    /// It runs in the host's process. A panic costs one request; a hang costs a worker thread for as long as it lasts;
    /// an abort, a segmentation fault or a stack overflow ends the host. A runner process, which survives
    /// all of these, is to come: it needs nothing but this enum's second variant.
    #[default]
    InProcess,
}

/// One operation.
pub(crate) struct Call {
    /// A number of [`locum_abi::operation`].
    pub(crate) op: u32,
    pub(crate) context: CallContext,
    /// The operation's input, JSON.
    pub(crate) input: Vec<u8>,
}

/// What a plugin answered, JSON: a reply or a failure.
pub(crate) type RawAnswer = Result<Vec<u8>, Vec<u8>>;

/// A call that brought no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallError {
    /// It did not come back by the deadline.
    TimedOut,
    /// The plugin hung before, so it was not called.
    Quarantined,
    /// The host is stopping, or was never running on tokio.
    NoRuntime,
}

/// Runs the issuers of one plugin.
pub(crate) trait Backend: Send + Sync {
    /// Makes an issuer ready from a configuration in JSON; a refusal is a failure in JSON.
    fn create(&self, configuration: &[u8]) -> Result<Arc<dyn ReadyIssuer>, Vec<u8>>;
}

/// A ready issuer.
pub(crate) trait ReadyIssuer: Send + Sync {
    /// Calls it. The future ends by the deadline, whatever the issuer does.
    fn call(&self, call: Call, deadline: Instant) -> PortFuture<'_, Result<RawAnswer, CallError>>;
}
