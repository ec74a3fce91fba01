//! Where a token of the settings comes from: the file, or a command.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use locum_abi::secret::Secret;

/// How long a command may take to print a token.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// Maximum length of a printed token, in bytes.
const TOKEN_BYTES_MAX: u64 = 1 << 20;

/// A token of the settings.
#[derive(Debug, Clone)]
pub(crate) struct TokenSource {
    /// The name of the setting.
    pub(crate) setting: &'static str,
    /// A URI.
    pub(crate) token_type: String,
    pub(crate) origin: TokenOrigin,
}

/// Where the token is.
#[derive(Debug, Clone)]
pub(crate) enum TokenOrigin {
    Value(Secret),
    /// A program with arguments, run in this folder.
    Command {
        program: String,
        arguments: Vec<Secret>,
        folder: PathBuf,
    },
}

/// A token and its type.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) value: Secret,
    pub(crate) token_type: String,
}

impl Token {
    /// The token itself.
    pub(crate) fn text(&self) -> &str {
        self.value.expose()
    }
}

impl TokenSource {
    /// The token; a command is run each time.
    ///
    /// # Errors
    /// The command cannot be run, fails, takes too long or prints nothing.
    pub(crate) fn obtain(&self) -> Result<Token, String> {
        let value = match &self.origin {
            TokenOrigin::Value(value) => value.clone(),
            TokenOrigin::Command { program, arguments, folder } => {
                let mut command = Command::new(program);
                command.args(arguments.iter().map(Secret::expose)).current_dir(folder);
                printed(command).map_err(|why| format!("the command of `{}` {why}", self.setting))?
            }
        };
        Ok(Token { value, token_type: self.token_type.clone() })
    }
}

/// What a command prints, without white space around it. Its standard error is that of the suite.
fn printed(mut command: Command) -> Result<Secret, String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("cannot be run: {error}"))?;
    let text = match read_within_timeout(&mut child) {
        Ok(text) => text,
        Err(why) => {
            // Both fail only if the process has exited already.
            let _ = child.kill();
            let _ = child.wait();
            return Err(why);
        }
    };
    let status = child.wait().map_err(|error| format!("cannot be waited for: {error}"))?;
    if !status.success() {
        return Err(format!("failed with {status}"));
    }
    match text.trim() {
        "" => Err("printed nothing; it must print the token to its standard output".to_owned()),
        token => Ok(Secret::from(token)),
    }
}

fn read_within_timeout(child: &mut Child) -> Result<String, String> {
    let output = child.stdout.take().ok_or("has no standard output")?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let read = output.take(TOKEN_BYTES_MAX).read_to_string(&mut text).map(|_| text);
        // Fails only after the timeout.
        let _ = sender.send(read);
    });
    match receiver.recv_timeout(COMMAND_TIMEOUT) {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(error)) => Err(format!("printed something that is not text: {error}")),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            Err(format!("printed no token within {} s", COMMAND_TIMEOUT.as_secs()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_shell(script: &str) -> TokenSource {
        TokenSource {
            setting: "subject_token",
            token_type: "urn:ietf:params:oauth:token-type:jwt".to_owned(),
            origin: TokenOrigin::Command {
                program: "sh".to_owned(),
                arguments: vec!["-c".into(), script.into()],
                folder: ".".into(),
            },
        }
    }

    #[test]
    fn the_token_is_what_the_command_prints() {
        assert_eq!(of_shell("echo a.b.c").obtain().unwrap().text(), "a.b.c");
    }

    #[test]
    fn a_command_that_prints_no_token_is_an_error_that_names_the_setting() {
        for (script, why) in [
            ("exit 3", "failed with exit status: 3"),
            (":", "printed nothing"),
            ("printf '\\377'", "not text"),
        ] {
            let error = of_shell(script).obtain().unwrap_err();
            assert!(error.starts_with("the command of `subject_token` ") && error.contains(why), "{error}");
        }
    }
}
