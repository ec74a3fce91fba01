//! Which program is started as the runner, and how a program becomes one.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::runner::child;

/// The argument that makes a program the runner. The number of the parent process follows.
const ARGUMENT: &str = "plugin-runner";

/// Whether [`run_if_asked`] was called in this process.
static PREPARED: AtomicBool = AtomicBool::new(false);

/// The program that is started to run a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunnerCommand {
    /// The program that is running, started once more. Its `main` must begin with [`run_if_asked`]; without that call it
    /// is an error, because the program would start itself for ever.
    SelfExe,
    /// Another program whose `main` calls [`run_plugin`] or [`run_if_asked`], such as `locum-plugin-runner`. It must be
    /// of the same release.
    Path(PathBuf),
}

impl RunnerCommand {
    /// The command that starts it, or why it cannot be started.
    pub(super) fn command(&self) -> Result<Command, String> {
        let mut command = match self {
            Self::SelfExe if !PREPARED.load(Ordering::SeqCst) => {
                return Err("this program does not call `locum_host::runner::run_if_asked` when it starts, so it cannot \
                            start itself as the runner"
                    .to_owned());
            }
            Self::SelfExe => Command::new("/proc/self/exe"),
            Self::Path(path) => Command::new(path),
        };
        command.arg(ARGUMENT).arg(std::process::id().to_string());
        Ok(command)
    }
}

/// Runs a plugin, if this process was started for that, and does not return then. Otherwise it returns at once.
///
/// Call it first in `main`, before the program starts a thread or opens anything, to use [`RunnerCommand::SelfExe`].
pub fn run_if_asked() {
    if std::env::args_os().nth(1).as_deref() == Some(OsStr::new(ARGUMENT)) {
        run_plugin();
    }
    PREPARED.store(true, Ordering::SeqCst);
}

/// Runs a plugin: the whole of `main` of a program for [`RunnerCommand::Path`]. It can only be started by a host.
pub fn run_plugin() -> ! {
    let parent = std::env::args().nth(2).and_then(|number| number.parse().ok());
    child::run(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_cannot_be_the_runner_is_not_started_as_one() {
        // Nothing else in this test binary calls `run_if_asked`.
        let refused = RunnerCommand::SelfExe.command().unwrap_err();
        assert!(refused.contains("run_if_asked"), "{refused}");
        assert!(RunnerCommand::Path("/bin/true".into()).command().is_ok());
        // Nobody asked for a runner, so it returns.
        run_if_asked();
        assert!(RunnerCommand::SelfExe.command().is_ok());
    }
}
