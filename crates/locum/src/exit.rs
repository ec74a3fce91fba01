//! Exit codes: what a script can tell apart.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | what was judged was found wanting: a case failed, a token is not good, `check` found a problem |
//! | 2 | the command line cannot be understood |
//! | 3 | a config, tenant or fixture file cannot be used |
//! | 4 | a plugin cannot be loaded |
//! | 5 | the machine refuses: an address is taken, a file cannot be written |

use std::fmt;
use std::process::ExitCode;

/// How a command ends when it ends badly.
#[derive(Debug)]
pub(crate) struct CommandError {
    code: u8,
    message: Option<String>,
}

impl CommandError {
    /// What was judged was found wanting; the command has said so already.
    pub(crate) fn check_failed() -> Self {
        Self { code: 1, message: None }
    }

    /// The command line makes no sense.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self { code: 2, message: Some(message.to_string()) }
    }

    /// A file that people write cannot be used.
    pub(crate) fn input_file(message: impl fmt::Display) -> Self {
        Self { code: 3, message: Some(message.to_string()) }
    }

    /// A plugin cannot be loaded.
    pub(crate) fn plugin(message: impl fmt::Display) -> Self {
        Self { code: 4, message: Some(message.to_string()) }
    }

    /// The machine refuses.
    pub(crate) fn system(message: impl fmt::Display) -> Self {
        Self { code: 5, message: Some(message.to_string()) }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.as_deref().unwrap_or("wanting"))
    }
}

/// Prints what is left to say, and gives the exit code.
#[expect(clippy::print_stderr, reason = "the last word of a command goes to standard error")]
pub(crate) fn exit_code(outcome: Result<(), CommandError>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(message) = error.message {
                eprintln!("locum: {message}");
            }
            ExitCode::from(error.code)
        }
    }
}
