//! A disk on which nothing more can be written, as a limit of the sizes of files has it: what a server has answered stays.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::installation::Installation;
use crate::refresh_tokens::{installation, issued, refresh, successor};
use crate::serving::{Server, mint};

/// How much its files may still grow.
const LEFT: u64 = 64 << 10;

/// A server that is told of a file that is too large, and not ended for it.
fn server(installation: &Installation) -> Server {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" serve", env!("CARGO_BIN_EXE_locum")]);
    command.current_dir(installation.path(".")).stdout(Stdio::piped()).stderr(Stdio::piped());
    Server::of(command)
}

fn limit_files(server: &Server, bytes: &str) {
    let process = server.child.id().to_string();
    let limit = format!("--fsize={bytes}:");
    assert!(Command::new("prlimit").args(["--pid", &process, &limit]).status().unwrap().success());
}

#[test]
fn on_a_full_disk_a_refresh_is_503_and_the_latest_token_works_afterwards() {
    let installation = installation("rotation_type: rotating, expiration_type: expiring");
    let server = server(&installation);
    let mut latest = issued(&installation, &server);
    let size = |name| fs::metadata(installation.path(name)).unwrap().len();
    limit_files(&server, &(size("state.db").max(size("state.db-wal")) + LEFT).to_string());
    let (status, body) = loop {
        let answer = refresh(&server, &latest);
        if answer.0 != 200 {
            break answer;
        }
        latest = successor(answer);
    };
    assert_eq!((status, &body["error"]), (503, &json!("temporarily_unavailable")));
    assert!(!body.to_string().contains("state.db"), "{body}");
    assert_eq!(refresh(&server, &latest).0, 503);
    let exchanged = server.exchange(&mint(&installation));
    assert!(exchanged.starts_with("HTTP/1.1 200"), "{exchanged}");

    limit_files(&server, "unlimited");
    let answer = refresh(&server, &latest);
    let events = fs::read_to_string(installation.path("audit.log")).unwrap();
    assert_eq!(answer.0, 200, "{:?}", events.lines().last());
    latest = successor(answer);
    server.stop();
    let server = Server::start(&installation);
    successor(refresh(&server, &latest));
    let events = fs::read_to_string(installation.path("audit.log")).unwrap();
    let failures: Vec<&str> = events.lines().filter(|line| line.contains("\"code\":\"fertft\"")).collect();
    assert_eq!(failures.len(), 2, "{failures:?}");
    assert!(failures.iter().all(|line| line.contains("state.db: ")), "{failures:?}");
}
