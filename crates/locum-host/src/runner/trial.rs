//! The trial of the runner: before the first plugin is loaded in one, a library that does nothing is.
//!
//! Another version of the C library can make other system calls when it opens a library or allocates memory. Without the
//! trial, each plugin would be blamed for what none of them did.

use std::sync::{Mutex, PoisonError};

use crate::loading::load_error::LoadFault;
use crate::runner::command::RunnerCommand;
use crate::runner::process::{PluginImage, RunnerProcess};
use crate::runner::trial_library::trial_library;

/// The commands whose runner works here.
static WORKING: Mutex<Vec<RunnerCommand>> = Mutex::new(Vec::new());

/// Starts a runner for the trial, the first time that it is called for this command.
///
/// # Errors
/// Why no runner works on this system.
pub(super) fn check(command: &RunnerCommand) -> Result<(), LoadFault> {
    let mut working = WORKING.lock().unwrap_or_else(PoisonError::into_inner);
    if !working.contains(command) {
        let libraries = vec!["libc.so.6".to_owned()];
        let image = PluginImage::new("locum-trial", &trial_library(), libraries)?;
        RunnerProcess::start(command, &PluginImage { is_trial: true, ..image })?;
        working.push(command.clone());
    }
    Ok(())
}
