//! The two levels at which a plugin can run. A pin states the level, so that the operator decides per file.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a plugin is isolated from the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Isolation {
    /// The plugin runs in the host's process and can do whatever the host can. A panic fails one request; a call that hangs
    /// keeps its worker thread and its request while it hangs; an abort, a segmentation fault or a stack overflow terminates the host.
    InProcess,
    /// The plugin runs in a process of its own, which can compute and nothing else. When that process ends, the host
    /// starts another one; only the call that ended it fails.
    #[default]
    Runner,
}

impl Isolation {
    /// The level as lock files, commands and reports write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InProcess => "in_process",
            Self::Runner => "runner",
        }
    }
}

/// Which calls share a process, of a plugin at the level [`Isolation::Runner`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProcessScope {
    /// Those of all tenants: one process for the plugin.
    #[default]
    Plugin,
    /// Those of one tenant: a process for each tenant that has an add-on of the plugin. A plugin cannot mix what it was
    /// given for different tenants then.
    Tenant,
}

impl ProcessScope {
    /// The scope as lock files, commands and reports write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plugin => "plugin",
            Self::Tenant => "tenant",
        }
    }

    /// Whether lock files leave it out.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_scopes_are_shown_as_lock_files_write_them() {
        for (shown, value) in [
            (ProcessScope::Plugin.as_str(), serde_json::to_value(ProcessScope::Plugin).unwrap()),
            (ProcessScope::Tenant.as_str(), serde_json::to_value(ProcessScope::Tenant).unwrap()),
            (Isolation::InProcess.as_str(), serde_json::to_value(Isolation::InProcess).unwrap()),
            (Isolation::Runner.as_str(), serde_json::to_value(Isolation::Runner).unwrap()),
        ] {
            assert_eq!(value, shown);
        }
    }
}
