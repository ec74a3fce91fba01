//! The interface to the place where a plugin runs: bytes in, bytes out, and errors of the call itself.

use std::sync::Arc;
use std::time::Duration;

use locum_engine::ports::{CallContext, PortFuture};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::calling::health::PluginHealth;
use crate::pauses::{PauseScope, PluginPause};
use crate::protections::Protections;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CallError {
    /// It did not return by the deadline.
    TimedOut,
    /// The plugin's process does not start, or this issuer has ended it too often. It was not called.
    Quarantined,
    /// The process in which the plugin runs ended, for this cause.
    Died(String),
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
    /// The process in which the plugin runs ended, for this cause.
    Died(String),
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
        label: IssuerLabel,
    ) -> Result<Arc<dyn ReadyIssuer>, CreateError>;

    /// The state of the plugin's calls.
    fn health(&self) -> PluginHealth;

    /// The issuers that are not called for some time, because of what they did.
    fn pauses(&self) -> Vec<PluginPause>;

    /// Ends these pauses within a scope of this plugin. Returns how many.
    fn resume(&self, scope: &PauseScope) -> usize;

    /// What the kernel adds to the sandbox of the plugin's own process, if it has one.
    fn protections(&self) -> Option<Protections> {
        None
    }
}

/// What an issuer is for, in log lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IssuerLabel {
    /// The tenant's domain.
    pub(crate) tenant: String,
    pub(crate) api_type: String,
}

/// A configured issuer.
pub(crate) trait ReadyIssuer: Send + Sync {
    /// Calls the issuer. The future completes by the deadline, whatever the issuer does.
    fn call(&self, call: Call, deadline: Instant) -> PortFuture<'_, Result<RawAnswer, CallError>>;
}
