//! What plugins log, handed on to the host's log under the target `plugin` with the plugin's name.

use locum_abi::answer::LogLine;
use tracing::Level;

use crate::calling::secret_mask::SecretMask;
use crate::limits::{LOG_LINES_MAX, MESSAGE_CHARS_MAX};

/// Hands lines on: escaped, cut, without the issuer's secrets, and no more than a few dozen of them.
pub(crate) fn relay(plugin: &str, secrets: &SecretMask, lines: &[LogLine]) {
    for line in lines.iter().take(LOG_LINES_MAX) {
        write(plugin, &line.level, &secrets.sanitized(&line.message, MESSAGE_CHARS_MAX));
    }
    if let Some(more) = lines.len().checked_sub(LOG_LINES_MAX).filter(|more| *more > 0) {
        write(plugin, "warn", &format!("{more} more lines were dropped"));
    }
}

fn write(plugin: &str, level: &str, message: &str) {
    // The level is part of a call site: it cannot be a value.
    match level {
        "error" => tracing::event!(target: "plugin", Level::ERROR, plugin, "{message}"),
        "warn" => tracing::event!(target: "plugin", Level::WARN, plugin, "{message}"),
        "info" => tracing::event!(target: "plugin", Level::INFO, plugin, "{message}"),
        "debug" => tracing::event!(target: "plugin", Level::DEBUG, plugin, "{message}"),
        _ => tracing::event!(target: "plugin", Level::TRACE, plugin, "{message}"),
    }
}
