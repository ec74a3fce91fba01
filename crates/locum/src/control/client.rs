//! The commands' side: sends one request to a running server, and reads its answer.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::config::Config;
use crate::control::protocol::{ANSWER_BYTES_MAX, Answer, Request, TRANSFER_DEADLINE};
use crate::exit::CommandError;

/// How long the server may take for anything but an upgrade.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);

/// Sends a request to the server of this config, and returns its result.
///
/// # Errors
/// The config names no socket, no server listens there, or the server refuses: then with its reason.
pub(crate) fn ask<T: DeserializeOwned>(config: &Config, request: &Request) -> Result<T, CommandError> {
    let Some(path) = &config.control else {
        return Err(CommandError::input_file(format!(
            "{}: no `control` socket is set, by which this command reaches the server; add a line such as \
             `control = \"/run/locum/control.sock\"` at its beginning and restart the server",
            config.file.display()
        )));
    };
    let deadline = match request {
        // It may have to wait for a reload that is about to be abandoned.
        Request::Upgrade { .. } => config.limits.reload_deadline() * 2 + ANSWER_DEADLINE,
        _ => ANSWER_DEADLINE,
    };
    let failed =
        |error: std::io::Error| CommandError::system(format!("{}: {}", path.display(), cause(&error)));
    let line = exchange(path, request, deadline).map_err(failed)?;
    let unreadable = |_| {
        CommandError::system(format!(
            "{}: the answer is not one of a Locum server of this release",
            path.display()
        ))
    };
    match serde_json::from_slice(&line).map_err(unreadable)? {
        Answer::Done(result) => serde_json::from_value(result).map_err(unreadable),
        Answer::Refused(reason) => Err(CommandError::refused(printable(&reason))),
    }
}

fn exchange(path: &Path, request: &Request, deadline: Duration) -> std::io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_write_timeout(Some(TRANSFER_DEADLINE))?;
    stream.set_read_timeout(Some(deadline))?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    // A server that refuses a connection answers without reading the request.
    let written = stream.write_all(&line);
    let mut answer = Vec::new();
    BufReader::new(stream.take(ANSWER_BYTES_MAX)).read_until(b'\n', &mut answer)?;
    if answer.is_empty() { written.map(|()| answer) } else { Ok(answer) }
}

fn cause(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
            "no server listens there; start it with this config, or give the config of the one that runs with \
             --config"
                .to_owned()
        }
        ErrorKind::PermissionDenied => format!("{error}; run the command as root or as the server's user"),
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            "the server did not answer in time; `locum plugin status` and its log say what it did".to_owned()
        }
        _ => error.to_string(),
    }
}

/// The server's reason may have words of a plugin, which must not control the terminal.
fn printable(reason: &str) -> String {
    reason.chars().map(|char| if char.is_control() && char != '\n' { '?' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_keeps_its_lines_and_controls_no_terminal() {
        assert_eq!(printable("a\nb\u{1b}[2Jc\r\u{9b}d"), "a\nb?[2Jc??d");
    }
}
