//! Exit codes, so that scripts can tell what went wrong. `locum --help` lists them.

use std::fmt;
use std::io::Write;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Why a command failed: an exit code, and a message unless the command has printed its result.
#[derive(Debug)]
pub(crate) struct CommandError {
    code: u8,
    message: Option<String>,
}

impl CommandError {
    /// A check failed, and the command has printed which.
    pub(crate) fn check_failed() -> Self {
        Self { code: 1, message: None }
    }

    /// The running server refused.
    pub(crate) fn refused(message: impl fmt::Display) -> Self {
        Self { code: 1, message: Some(message.to_string()) }
    }

    /// The command line is invalid.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self { code: 2, message: Some(message.to_string()) }
    }

    /// An input file cannot be used.
    pub(crate) fn input_file(message: impl fmt::Display) -> Self {
        Self { code: 3, message: Some(message.to_string()) }
    }

    /// An input file cannot be used, and the command has printed why.
    pub(crate) fn input_file_reported() -> Self {
        Self { code: 3, message: None }
    }

    /// A plugin cannot be loaded, and the command has printed why.
    pub(crate) fn plugin_reported() -> Self {
        Self { code: 4, message: None }
    }

    /// A plugin cannot be loaded.
    pub(crate) fn plugin(message: impl fmt::Display) -> Self {
        Self { code: 4, message: Some(message.to_string()) }
    }

    /// The system refused.
    pub(crate) fn system(message: impl fmt::Display) -> Self {
        Self { code: 5, message: Some(message.to_string()) }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.as_deref().unwrap_or("a check failed"))
    }
}

/// How long the message of an error may take to be written.
const MESSAGE_WAIT: Duration = Duration::from_secs(2);

/// Prints the error, if there is one with a message, and returns the exit code.
pub(crate) fn report(outcome: Result<(), CommandError>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(message) = error.message {
                print_error(message);
            }
            ExitCode::from(error.code)
        }
    }
}

/// Writes to standard error on a thread of its own: if it is full or nobody reads it, the message is lost, and not the
/// exit code.
fn print_error(message: String) {
    let (sender, written) = mpsc::channel();
    let writing = thread::Builder::new().spawn(move || {
        for line in message.lines() {
            let _ = writeln!(std::io::stderr(), "locum: {line}");
        }
        let _ = sender.send(());
    });
    if writing.is_ok() {
        let _ = written.recv_timeout(MESSAGE_WAIT);
    }
}
