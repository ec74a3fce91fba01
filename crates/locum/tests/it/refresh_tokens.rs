//! Refresh tokens of a server with a database: issued, kept over restarts, minted, copied; and a database that is at fault.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::installation::{Installation, command_output};
use crate::serving::{Server, mint, post_form};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const TYPE: &str = "urn:ietf:params:oauth:token-type:";

pub(crate) fn installation(refresh_token: &str) -> Installation {
    let installation = Installation::new();
    installation.write(
        "tenant.yaml",
        &format!(
            "domain: acme.example.com\ndefault: true\ndelegation: {{rate_limit: {{size: 1000, per_minute: 1000}}}}\n\
             clients:\n  - client_id: spa\n    client_secret: spa-secret-0123456789-0123456789\n    \
             token_endpoint_auth_method: none\n    grant_types: [refresh_token, \
             \"http://auth0.com/oauth/legacy/grant-type/delegation/id_token\"]\n    refresh_token: {{{refresh_token}}}\n"
        ),
    );
    let config = fs::read_to_string(installation.path("locum.toml")).unwrap();
    installation
        .write("locum.toml", &format!("state = \"state.db\"\n{config}[audit]\nfile = \"audit.log\"\n"));
    installation
}

/// Status and body of a request to `/oauth/token`.
fn token(server: &Server, parameters: Value) -> (u16, Value) {
    post_form(server, "/oauth/token", &parameters)
}

pub(crate) fn issued(installation: &Installation, server: &Server) -> String {
    let (status, body) = token(
        server,
        json!({
            "client_id": "spa", "grant_type": EXCHANGE, "subject_token": mint(installation).trim(),
            "subject_token_type": format!("{TYPE}id_token"), "scope": "openid offline_access",
            "requested_token_type": format!("{TYPE}refresh_token"),
        }),
    );
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        (&body["token_type"], &body["issued_token_type"]),
        (&json!("N_A"), &json!(format!("{TYPE}refresh_token")))
    );
    body["access_token"].as_str().unwrap().to_owned()
}

pub(crate) fn refresh(server: &Server, refresh_token: &str) -> (u16, Value) {
    token(server, json!({"client_id": "spa", "grant_type": "refresh_token", "refresh_token": refresh_token}))
}

pub(crate) fn successor(answer: (u16, Value)) -> String {
    assert_eq!(answer.0, 200, "{}", answer.1);
    assert!(answer.1["access_token"].as_str().unwrap().starts_with("eyJ"));
    answer.1["refresh_token"].as_str().unwrap().to_owned()
}

#[test]
fn tokens_and_their_rotation_survive_a_restart() {
    let installation = installation("rotation_type: rotating, expiration_type: expiring");
    let server = Server::start(&installation);
    let first = issued(&installation, &server);
    let second = successor(refresh(&server, &first));
    server.stop();
    let server = Server::start(&installation);
    let third = successor(refresh(&server, &second));
    let (status, body) = refresh(&server, &first);
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
    assert_eq!(refresh(&server, &third).0, 400, "its family ended");
    server.stop();
    let events = fs::read_to_string(installation.path("audit.log")).unwrap();
    let count = |code: &str| events.matches(&format!("\"code\":\"{code}\"")).count();
    assert_eq!([count("secte"), count("sertft"), count("ferrt"), count("fertft")], [1, 2, 1, 1], "{events}");
    let database = fs::read(installation.path("state.db")).unwrap();
    for token in [&first, &second, &third] {
        assert!(!events.contains(token.as_str()));
        assert!(!database.windows(token.len()).any(|window| window == token.as_bytes()));
    }
}

#[test]
fn a_minted_token_is_one_and_a_copy_has_it_while_the_server_runs() {
    let installation = installation("");
    let mint = || {
        installation.locum([
            "token",
            "mint-refresh",
            "--tenant",
            "tenant.yaml",
            "--client",
            "spa",
            "--user",
            "auth0|alice",
        ])
    };
    let early = mint();
    assert_eq!((early.code, early.stderr.contains("there is no such file")), (3, true), "{}", early.stderr);
    let server = Server::start(&installation);
    let minted = mint();
    assert_eq!(minted.code, 0, "{}", minted.stderr);
    assert_eq!(refresh(&server, minted.stdout.trim()).0, 200);
    let copied = installation.locum(["state", "backup", "copy.db"]);
    assert_eq!(copied.code, 0, "{}", copied.stderr);
    let again = installation.locum(["state", "backup", "copy.db"]);
    assert_eq!((again.code, again.stderr.contains("exists")), (3, true), "{}", again.stderr);
    server.stop();
    for name in ["state.db", "state.db-wal", "state.db-shm"] {
        let _ = fs::remove_file(installation.path(name));
    }
    fs::rename(installation.path("copy.db"), installation.path("state.db")).unwrap();
    let server = Server::start(&installation);
    assert_eq!(refresh(&server, minted.stdout.trim()).0, 200);
}

#[test]
fn without_a_database_there_are_no_tokens_and_the_check_says_what_to_add() {
    let installation = installation("");
    let config = fs::read_to_string(installation.path("locum.toml")).unwrap();
    installation.write("locum.toml", &config.replace("state = \"state.db\"\n", ""));
    let check = installation.locum(["check"]);
    assert_eq!(check.code, 0, "{}", check.stdout);
    assert!(check.stdout.contains("clients of acme.example.com may have refresh tokens"), "{}", check.stdout);
    assert!(check.stdout.contains("add `state = \"state.db\"`"), "{}", check.stdout);
    let server = Server::start(&installation);
    assert_eq!(refresh(&server, &format!("lrt_{}", "A".repeat(43))).0, 400);
    let refused = installation.locum(["state", "backup", "copy.db"]);
    assert_eq!((refused.code, refused.stderr.contains("names no database")), (3, true), "{}", refused.stderr);
}

#[test]
fn a_file_that_is_no_database_stops_the_start() {
    let installation = installation("");
    installation.write("state.db", &"these are notes\n".repeat(100));
    let refused = installation.locum(["serve"]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("state.db: ") && refused.stderr.contains("not a database"),
        "{}",
        refused.stderr
    );
    let text = fs::read_to_string(installation.path("state.db")).unwrap();
    assert!(text.starts_with("these are notes"));
}

#[test]
fn a_database_that_cannot_be_written_stops_the_start() {
    let installation = installation("");
    Server::start(&installation).stop();
    fs::set_permissions(installation.path("state.db"), Permissions::from_mode(0o400)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_locum"));
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        // Root may write every file, unless it has not this capability.
        command = Command::new("setpriv");
        command.args(["--bounding-set", "-dac_override", env!("CARGO_BIN_EXE_locum")]);
    }
    let refused = command_output(command.arg("serve").current_dir(installation.path(".")).output().unwrap());
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(refused.stderr.contains("state.db: Permission denied"), "{}", refused.stderr);
}

#[test]
fn a_full_disk_is_503_once_in_the_audit_log_and_nothing_is_lost() {
    let installation = installation("rotation_type: rotating, expiration_type: expiring");
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" serve"]).arg(env!("CARGO_BIN_EXE_locum"));
    command.current_dir(installation.path(".")).stdout(Stdio::piped()).stderr(Stdio::null());
    let server = Server::of(command);
    // Once its plugins are loaded, no file of the server can grow beyond this: a write then fails, as on a full disk.
    let process = format!("--pid={}", server.child.id());
    assert!(Command::new("prlimit").args([&process, "--fsize=300000"]).status().unwrap().success());
    let mut tokens = vec![issued(&installation, &server)];
    let failed = loop {
        let (status, body) = refresh(&server, tokens.last().unwrap());
        if status != 200 {
            break (status, body);
        }
        tokens.push(body["refresh_token"].as_str().unwrap().to_owned());
        assert!(tokens.len() < 5_000, "the file never reached its limit");
    };
    assert_eq!((failed.0, &failed.1["error"]), (503, &json!("temporarily_unavailable")));
    server.stop();
    let server = Server::start(&installation);
    successor(refresh(&server, tokens.last().unwrap()));
    let events = fs::read_to_string(installation.path("audit.log")).unwrap();
    let failures: Vec<&str> = events.lines().filter(|line| line.contains("\"code\":\"fertft\"")).collect();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(failures[0].contains("state.db"), "{}", failures[0]);
}

#[test]
fn a_check_says_what_a_start_would_do_to_a_file_and_does_nothing() {
    let installation = installation("");
    let missing = installation.locum(["state", "check"]);
    assert_eq!(
        (missing.code, missing.stderr.contains("there is no such file")),
        (3, true),
        "{}",
        missing.stderr
    );
    installation.write("state.db", "");
    let checked = installation.locum(["state", "check"]);
    assert_eq!(checked.code, 0, "{}", checked.stderr);
    let lines: Vec<&str> = checked.stdout.lines().collect();
    assert!(lines[1].starts_with("server: SQLite 3"), "{lines:?}");
    let pending = lines[2]
        .strip_prefix("schema: 0; the next start of a server, or `locum state migrate`, brings it to ");
    assert!(pending.is_some_and(|version| version.parse::<u32>().is_ok()) && lines.len() == 3, "{lines:?}");
    assert_eq!(fs::read(installation.path("state.db")).unwrap(), b"");

    let migrated = installation.locum(["state", "migrate"]);
    assert_eq!(migrated.code, 0, "{}", migrated.stderr);
    let checked = installation.locum(["state", "check"]).stdout;
    let version = migrated.stdout.trim_end().rsplit(' ').next().unwrap().to_owned();
    assert_eq!(checked.lines().nth(2), Some(format!("schema: {version}").as_str()));
    assert_eq!(checked.lines().count(), 8);
}
