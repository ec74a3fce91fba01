//! The state of a plugin's calls, for operators.

use std::time::Duration;

/// The state of a plugin's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PluginHealth {
    /// Calls that are running, including those that hang.
    pub running: usize,
    /// Calls that did not return by their deadline, since the plugin was loaded. In the host's process a call is counted
    /// when it returns.
    pub hangs: u32,
    /// How many processes of its own are ready to be called. Always 0 in the host's process.
    pub processes: usize,
    /// How often the plugin's own process ended, since the plugin was loaded. Always 0 in the host's process.
    pub deaths: u32,
    /// How long the last start of the plugin's own process took, until it was ready to be called. Never in the host's
    /// process.
    pub last_start: Option<Duration>,
    /// Whether the plugin is not called, because its own process does not start. Never in the host's process.
    pub quarantined: bool,
}
