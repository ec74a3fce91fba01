//! The backend that calls a plugin in the host's own process, each call in a task of its own.
//!
//! The task is what makes a hang survivable: the request waits for it no longer than to its deadline. The call itself
//! goes on and keeps its worker thread, for nothing can stop it; so this needs a multi-threaded runtime. On a
//! current-thread runtime a hang blocks everything.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use locum_abi::boundary::{IssuerBox, IssuerModuleRef};
use locum_engine::ports::PortFuture;
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, timeout_at};

use crate::backend::{Answered, Backend, Call, CallLost, Ready};
use crate::supervision::Supervision;

/// A plugin that is mapped into this process.
pub(crate) struct InProcess {
    module: IssuerModuleRef,
    supervision: Arc<Supervision>,
}

impl InProcess {
    pub(crate) fn new(module: IssuerModuleRef, supervision: Arc<Supervision>) -> Self {
        Self { module, supervision }
    }
}

impl Backend for InProcess {
    fn create(&self, configuration: &[u8]) -> Result<Arc<dyn Ready>, Vec<u8>> {
        match self.module.create()(configuration.into()).into_result() {
            Ok(issuer) => Ok(Arc::new(ReadyInProcess {
                issuer: Arc::new(issuer),
                supervision: Arc::clone(&self.supervision),
            })),
            Err(failure) => Err(failure.into_vec()),
        }
    }
}

struct ReadyInProcess {
    issuer: Arc<IssuerBox>,
    supervision: Arc<Supervision>,
}

impl Ready for ReadyInProcess {
    fn call(&self, call: Call, deadline: Instant) -> PortFuture<'_, Result<Answered, CallLost>> {
        Box::pin(async move {
            let runtime = Handle::try_current().map_err(|_| CallLost::NoRuntime)?;
            if self.supervision.is_quarantined() {
                return Err(CallLost::Quarantined);
            }
            self.supervision.workers().watch(&runtime);
            let issuer = Arc::clone(&self.issuer);
            let supervision = Arc::clone(&self.supervision);
            let task = runtime.spawn(async move {
                let _seat = supervision.workers().seat().await;
                let _running = supervision.begin(deadline)?;
                Ok(operate(&issuer, &call))
            });
            match timeout_at(deadline, AbortOnDrop(task)).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => Err(CallLost::NoRuntime),
                Err(_) => Err(CallLost::Hung),
            }
        })
    }
}

fn operate(issuer: &IssuerBox, call: &Call) -> Answered {
    let Call { op, context, input } = call;
    let entropy = &context.entropy[..];
    match issuer.call(*op, context.now_unix_ms, entropy.into(), input.as_slice().into()).into_result() {
        Ok(reply) => Ok(reply.into_vec()),
        Err(failure) => Err(failure.into_vec()),
    }
}

/// A task that does not start any more once nobody waits for it. One that has started runs to its end.
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
