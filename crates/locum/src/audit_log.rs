//! The audit log of a server: opened before plugins are loaded, told of the server's own events, stopped last.

use std::sync::Arc;
use std::time::Duration;

use locum_host::{Plugin, PluginSet};
use locum_store::audit::{AuditLog, Lifecycle, LoadedPlugin, Notice, Stopped};

use crate::config::AuditConfig;
use crate::exit::CommandError;

/// How long a stop waits for events that are not written yet.
const STOP_WAIT: Duration = Duration::from_secs(2);

/// Opens the audit log and records the start.
pub(crate) fn open(config: &AuditConfig) -> Result<Arc<AuditLog>, CommandError> {
    let mut options = config.options();
    options.notify = Box::new(tell);
    let log = AuditLog::open(options).map_err(CommandError::system)?;
    log.record_lifecycle(&Lifecycle::Start { version: env!("CARGO_PKG_VERSION") });
    Ok(Arc::new(log))
}

/// Records which plugins were loaded.
pub(crate) fn record_plugins(log: &AuditLog, plugins: &PluginSet) {
    let loaded: Vec<LoadedPlugin> = plugins.plugins().map(loaded).collect();
    log.record_lifecycle(&Lifecycle::PinSet { plugins: &loaded });
}

/// A plugin as audit events name it.
pub(crate) fn loaded(plugin: &Plugin) -> LoadedPlugin {
    LoadedPlugin {
        name: plugin.manifest().name.clone(),
        version: plugin.manifest().version.clone(),
        sha256: plugin.sha256().to_string(),
    }
}

/// Logs the head of the chain again and again, so that the log proves which lines there were.
pub(crate) async fn log_head(log: Arc<AuditLog>, interval: Option<Duration>) {
    let Some(interval) = interval else { return };
    loop {
        tokio::time::sleep(interval).await;
        tracing::info!(head = %log.head(), "audit log");
    }
}

/// Records the stop, writes what is left, and logs the head of the chain.
pub(crate) fn stop(log: &AuditLog, reason: &str) {
    log.record_lifecycle(&Lifecycle::Stop { reason });
    let Stopped { head, lost } = log.stop(STOP_WAIT);
    if lost > 0 {
        tracing::error!(%head, lost, "audit log stopped; events were lost");
    } else {
        tracing::info!(%head, lost, "audit log stopped");
    }
}

fn tell(notice: Notice) {
    match notice {
        Notice::Unavailable { error } => tracing::error!(%error, "the audit log cannot be written"),
        Notice::Recovered { lost, withheld } => {
            tracing::warn!(lost, withheld, "the audit log is written again");
        }
        Notice::NotReopened { error } => {
            tracing::error!(%error, "the audit log was not reopened; events go where they went");
        }
        _ => {}
    }
}
