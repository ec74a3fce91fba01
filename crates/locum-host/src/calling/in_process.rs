//! The backend that calls a plugin in the host's own process, each call in its own task.
//!
//! Because of the task a request survives a call that hangs: it stops waiting at its deadline. The call itself cannot
//! be stopped and keeps its worker thread, so this needs a multi-threaded runtime. On a current-thread runtime a call
//! that hangs blocks everything.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use locum_abi::boundary::{IssuerBox, IssuerModuleRef};
use locum_engine::ports::PortFuture;
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use crate::calling::backend::{Backend, Call, CallError, CreateError, IssuerLabel, RawAnswer, ReadyIssuer};
use crate::calling::health::PluginHealth;
use crate::calling::supervision::Supervision;
use crate::limits::CONFIGURE_THREADS_MAX;

/// A plugin that is mapped into this process.
pub(crate) struct InProcessBackend {
    module: IssuerModuleRef,
    supervision: Arc<Supervision>,
    /// Its clones are held by the threads in which the plugin configures issuers.
    configuring: Arc<()>,
}

impl InProcessBackend {
    pub(crate) fn new(module: IssuerModuleRef, supervision: Arc<Supervision>) -> Self {
        Self { module, supervision, configuring: Arc::default() }
    }
}

impl Backend for InProcessBackend {
    /// Calls the plugin in a thread of its own. A thread cannot be stopped: at the deadline it is left alone, and what it
    /// returns later is dropped.
    fn create(
        &self,
        configuration: Zeroizing<Vec<u8>>,
        deadline: Duration,
        _: IssuerLabel,
    ) -> Result<Arc<dyn ReadyIssuer>, CreateError> {
        if Arc::strong_count(&self.configuring) > CONFIGURE_THREADS_MAX {
            return Err(CreateError::TooManyHang);
        }
        let (module, configuring) = (self.module, Arc::clone(&self.configuring));
        let (created, creation) = sync_channel(1);
        let call = move || {
            let outcome = module.create()(configuration.as_slice().into()).into_result();
            // Before the answer is sent, so that the caller never counts a call that has returned.
            drop(configuring);
            let _ = created.send(outcome);
        };
        let thread = thread::Builder::new().name("plugin-configure".to_owned());
        thread.spawn(call).map_err(|_| CreateError::NoThread)?;
        match creation.recv_timeout(deadline) {
            Ok(Ok(issuer)) => Ok(Arc::new(InProcessIssuer {
                issuer: Arc::new(issuer),
                supervision: Arc::clone(&self.supervision),
            })),
            Ok(Err(failure)) => Err(CreateError::Refused(failure.into_vec())),
            Err(RecvTimeoutError::Timeout) => Err(CreateError::TimedOut),
            Err(RecvTimeoutError::Disconnected) => Err(CreateError::NoThread),
        }
    }

    fn health(&self) -> PluginHealth {
        self.supervision.health()
    }
}

struct InProcessIssuer {
    issuer: Arc<IssuerBox>,
    supervision: Arc<Supervision>,
}

impl ReadyIssuer for InProcessIssuer {
    fn call(&self, call: Call, deadline: Instant) -> PortFuture<'_, Result<RawAnswer, CallError>> {
        Box::pin(async move {
            let runtime = Handle::try_current().map_err(|_| CallError::NoRuntime)?;
            if self.supervision.is_quarantined() {
                return Err(CallError::Quarantined);
            }
            self.supervision.workers().start_watchdog(&runtime);
            let issuer = Arc::clone(&self.issuer);
            let supervision = Arc::clone(&self.supervision);
            let task = runtime.spawn(async move {
                let _permit = supervision.workers().permit().await;
                let _running = supervision.start_call(deadline)?;
                Ok(call_plugin(&issuer, &call))
            });
            match timeout_at(deadline, AbortOnDrop(task)).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => Err(CallError::NoRuntime),
                Err(_) => Err(CallError::TimedOut),
            }
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

/// Cancels a task that has not started when its request is dropped. A task that has started cannot be cancelled.
struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
