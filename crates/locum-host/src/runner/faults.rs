//! The faults of a runner that does not start.

use std::fmt::Display;

use crate::loading::load_error::{LoadErrorCode, LoadFault};

/// The system lacks something.
pub(super) fn unavailable(what: &str, error: impl Display) -> LoadFault {
    LoadFault::new(LoadErrorCode::RunnerUnavailable, format!("{what}: {error}"))
}

pub(super) fn failed(cause: impl Into<String>) -> LoadFault {
    LoadFault::new(LoadErrorCode::RunnerFailed, cause)
}

/// The process ended with this before it was ready.
pub(super) fn ended_early(cause: &str) -> LoadFault {
    failed(format!("its process ended before it was ready: {cause}"))
}

/// The system's C library does not work in the sandbox: the trial did not succeed.
pub(super) fn trial_failed(cause: &str) -> LoadFault {
    let library = locum_sandbox::c_library();
    let cause = format!(
        "this system's C library, {library}, does not work in the sandbox, so no plugin can run in a process of its own \
         here: a library that does nothing was loaded for a trial, and {cause}"
    );
    LoadFault::new(LoadErrorCode::RunnerUnavailable, cause)
}
