//! The backend that calls a plugin in the host's own process, inline: like code that is linked in.
//!
//! Nothing here survives a call that does not return. It keeps its worker thread, and its request is not answered. Plugins
//! that are not trusted like the host's own code run in a [`runner`](crate::runner).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use locum_abi::boundary::{CreateIssuer, IssuerBox};
use locum_engine::ports::PortFuture;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::calling::backend::{Backend, Call, CallError, CreateError, IssuerLabel, RawAnswer, ReadyIssuer};
use crate::calling::configure_threads::ConfigureThreads;
use crate::calling::health::PluginHealth;
use crate::pauses::{PauseScope, PluginPause};

/// A plugin that is mapped into this process, or linked into its program.
pub(crate) struct InProcessBackend {
    create: CreateIssuer,
    calls: Arc<Calls>,
    configuring: ConfigureThreads,
}

/// The calls of a plugin, for operators.
struct Calls {
    plugin: String,
    running: AtomicUsize,
    late: AtomicU32,
}

impl InProcessBackend {
    pub(crate) fn new(create: CreateIssuer, plugin: &str) -> Self {
        let calls =
            Calls { plugin: plugin.to_owned(), running: AtomicUsize::new(0), late: AtomicU32::new(0) };
        Self { create, calls: Arc::new(calls), configuring: ConfigureThreads::default() }
    }
}

impl Backend for InProcessBackend {
    fn create(
        &self,
        configuration: Zeroizing<Vec<u8>>,
        deadline: Duration,
        _: IssuerLabel,
    ) -> Result<Arc<dyn ReadyIssuer>, CreateError> {
        let create = self.create;
        let create = move || create(configuration.as_slice().into()).into_result();
        match self.configuring.call(deadline, create)? {
            Ok(issuer) => Ok(Arc::new(InProcessIssuer { issuer, calls: Arc::clone(&self.calls) })),
            Err(failure) => Err(CreateError::Refused(failure.into_vec())),
        }
    }

    fn health(&self) -> PluginHealth {
        let Calls { running, late, .. } = &*self.calls;
        PluginHealth {
            running: running.load(Relaxed),
            hangs: late.load(Relaxed),
            processes: 0,
            deaths: 0,
            last_start: None,
            quarantined: false,
        }
    }

    /// None: what would pause an issuer ends the process.
    fn pauses(&self) -> Vec<PluginPause> {
        Vec::new()
    }

    fn resume(&self, _: &PauseScope) -> usize {
        0
    }
}

struct InProcessIssuer {
    issuer: IssuerBox,
    calls: Arc<Calls>,
}

impl ReadyIssuer for InProcessIssuer {
    fn call(&self, call: Call, deadline: Instant) -> PortFuture<'_, Result<RawAnswer, CallError>> {
        Box::pin(async move {
            let Calls { plugin, running, late } = &*self.calls;
            running.fetch_add(1, Relaxed);
            let answer = call_plugin(&self.issuer, &call);
            running.fetch_sub(1, Relaxed);
            if Instant::now() < deadline {
                return Ok(answer);
            }
            let hangs = late.fetch_add(1, Relaxed) + 1;
            tracing::error!(plugin, hangs, "a plugin call did not return by its deadline");
            Err(CallError::TimedOut)
        })
    }
}

fn call_plugin(issuer: &IssuerBox, call: &Call) -> RawAnswer {
    let Call { op, context, input } = call;
    let entropy = &context.entropy[..];
    match issuer.call(*op, context.now_unix_ms, entropy.into(), input.as_slice().into()).into_result() {
        Ok(reply) => Ok(reply.into_vec()),
        Err(failure) => Err(failure.into_vec()),
    }
}
