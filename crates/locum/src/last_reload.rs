//! How the last reload of the tenants ended.

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// How the last reload ended. The start counts as one, and so does an upgrade of a plugin, which reads the tenants again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LastReload {
    pub(crate) succeeded: bool,
    /// When the tenants in use were loaded, in seconds since the unix epoch.
    pub(crate) loaded_at_unix_seconds: u64,
}

/// What is known of it.
pub(crate) struct LastReloadRecord(Mutex<LastReload>);

impl LastReloadRecord {
    /// The tenants were loaded now.
    pub(crate) fn of_start() -> Self {
        Self(Mutex::new(succeeded_now()))
    }

    /// Other tenants are in use from now on.
    pub(crate) fn succeeded(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = succeeded_now();
    }

    /// The tenants in use stayed.
    pub(crate) fn failed(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).succeeded = false;
    }

    pub(crate) fn get(&self) -> LastReload {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn succeeded_now() -> LastReload {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    LastReload { succeeded: true, loaded_at_unix_seconds: now.as_secs() }
}
