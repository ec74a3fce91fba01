//! Writes the log lines of plugins to the host's log, under the target `plugin` and with the plugin's name.

use locum_abi::answer::LogLine;
use tracing::Level;

use crate::limits::LOG_LINES_MAX;

/// Logs these lines, at most [`LOG_LINES_MAX`] of them. `sanitized` escapes and truncates a text, and masks the issuer's
/// secrets.
pub(crate) fn relay(plugin: &str, lines: &[LogLine], sanitized: impl Fn(&str) -> String) {
    for line in lines.iter().take(LOG_LINES_MAX) {
        write(plugin, &line.level, &sanitized(&line.message));
    }
    if let Some(more) = lines.len().checked_sub(LOG_LINES_MAX).filter(|more| *more > 0) {
        write(plugin, "warn", &format!("{more} more log lines were dropped"));
    }
}

fn write(plugin: &str, level: &str, message: &str) {
    // tracing needs the level as a constant at each call site.
    match level {
        "error" => tracing::event!(target: "plugin", Level::ERROR, plugin, "{message}"),
        "warn" => tracing::event!(target: "plugin", Level::WARN, plugin, "{message}"),
        "info" => tracing::event!(target: "plugin", Level::INFO, plugin, "{message}"),
        "debug" => tracing::event!(target: "plugin", Level::DEBUG, plugin, "{message}"),
        _ => tracing::event!(target: "plugin", Level::TRACE, plugin, "{message}"),
    }
}
