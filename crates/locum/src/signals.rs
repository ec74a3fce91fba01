//! The signals of `locum serve`. Those that arrive before they are waited for are remembered.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::CommandError;

/// The handlers.
pub(crate) struct Signals {
    /// SIGHUP: reload.
    pub(crate) hangup: Signal,
    pub(crate) stop: StopSignals,
}

/// SIGTERM, and SIGINT, which Ctrl-C sends.
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Replaces the signals' default actions, which would end the process.
    pub(crate) fn install() -> Result<Self, CommandError> {
        let handle = |kind| {
            signal(kind).map_err(|error| CommandError::system(format!("cannot handle signals: {error}")))
        };
        Ok(Self {
            hangup: handle(SignalKind::hangup())?,
            stop: StopSignals {
                terminate: handle(SignalKind::terminate())?,
                interrupt: handle(SignalKind::interrupt())?,
            },
        })
    }
}

impl StopSignals {
    /// Waits for the first of the two.
    pub(crate) async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
