//! The async runtime and the crypto provider of a run.

use std::cell::RefCell;
use std::sync::Arc;

use jsonwebtoken::crypto::aws_lc;
use tokio::runtime::{Builder, Runtime};
use tracing::dispatcher::{DefaultGuard, set_default};

use crate::cases::log_lines::LogLines;
use crate::options::SetupError;

/// Number of worker threads: a plugin that hangs blocks one, and another must stay free.
const WORKERS: usize = 4;

/// Installs the crypto provider; id_tokens are signed before an engine exists that would do so.
pub(crate) fn install_crypto() {
    // An error means that a provider is installed already.
    let _ = aws_lc::DEFAULT_PROVIDER.install_default();
}

/// A runtime whose threads log into these lines.
pub(crate) fn runtime(log: &Arc<LogLines>) -> Result<Runtime, SetupError> {
    thread_local! {
        static LOG: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
    }
    let dispatch = log.dispatch();
    let runtime = Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .on_thread_start(move || LOG.with(|own| *own.borrow_mut() = Some(set_default(&dispatch))))
        .build()?;
    Ok(runtime)
}
