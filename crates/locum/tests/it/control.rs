//! The control socket: who can reach it, what it survives, and pauses of plugins.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::installation::{Installation, not_run};
use crate::serving::{Server, mint};

/// Generous limits, so that no test meets them.
const RATE: &str = "delegation:\n  rate_limit: {size: 100000, per_minute: 100000}\n";

/// An installation with a control socket, an audit file, and two tenants with the plugin `app`.
pub(crate) fn controlled() -> Installation {
    let installation = Installation::new();
    installation.write(
        "locum.toml",
        "listen = \"127.0.0.1:0\"\nplugins_dir = \"plugins\"\ntenants = [\"tenant.yaml\", \"globex.yaml\"]\n\
         control = \"control.sock\"\n[audit]\nfile = \"audit.log\"\n",
    );
    let client = "clients:\n  - client_id: spa\n    client_secret: spa-secret-0123456789-0123456789\n    \
                  jwt_configuration: {alg: HS256, lifetime_in_seconds: 3600}\n";
    installation.write("tenant.yaml", &format!("domain: acme.example.com\ndefault: true\n{RATE}{client}"));
    installation.write("globex.yaml", &format!("domain: globex.example.com\n{RATE}{client}"));
    installation
}

/// What `locum plugin status` shows of the first plugin.
pub(crate) fn status(installation: &Installation) -> Value {
    let shown = installation.locum(["plugin", "status", "--format", "json"]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    serde_json::from_str::<Value>(&shown.stdout).unwrap()[0].clone()
}

/// Sends these bytes, and returns what the server answers before it closes the connection.
pub(crate) fn send(installation: &Installation, request: &[u8]) -> String {
    let mut stream = UnixStream::connect(installation.path("control.sock")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The server may have answered and closed before it has read everything.
    let _ = stream.write_all(request);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[test]
fn the_socket_is_for_its_user_alone_and_deleted_at_the_stop() {
    let installation = controlled();
    let mut server = Server::start(&installation);
    let socket = installation.path("control.sock");
    let metadata = fs::symlink_metadata(&socket).unwrap();
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.permissions().mode() & 0o7777, 0o600);
    let shown = installation.locum(["plugin", "status"]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    assert!(shown.stdout.contains("app     0.1.0    in_process  available"), "{}", shown.stdout);
    server.signal("-TERM");
    assert!(server.child.wait().unwrap().success());
    assert!(!socket.exists());
}

#[test]
fn a_second_server_on_the_socket_is_refused_and_the_first_one_serves_on() {
    let installation = controlled();
    let server = Server::start(&installation);
    let config = fs::read_to_string(installation.path("locum.toml")).unwrap();
    installation.write("second.toml", &config.replace("audit.log", "second.log"));
    // An address in use, so that a server that is not refused before does not go on either.
    let refused = installation.locum(["serve", "--config", "second.toml", "--listen", &server.address]);
    assert_eq!(refused.code, 5);
    assert!(refused.stderr.contains("control.sock: another server listens there"), "{}", refused.stderr);
    assert_eq!(status(&installation)["name"], "app");
    assert!(server.exchange(&mint(&installation)).starts_with("HTTP/1.1 200"));
}

#[test]
fn a_socket_that_a_killed_server_has_left_over_is_replaced() {
    let installation = controlled();
    let mut server = Server::start(&installation);
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    assert!(installation.path("control.sock").exists());
    let refused = installation.locum(["plugin", "status"]);
    assert_eq!(refused.code, 5);
    assert!(refused.stderr.contains("no server listens there"), "{}", refused.stderr);
    let _server = Server::start(&installation);
    assert_eq!(status(&installation)["name"], "app");
}

#[test]
fn anything_else_in_the_place_of_the_socket_stays_and_the_start_is_refused() {
    let installation = controlled();
    let socket = installation.path("control.sock");
    // In use, so that a server that is not refused before does not go on either.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let refused = |said: &str| {
        let refused = installation.locum(["serve", "--listen", &address]);
        assert_eq!(refused.code, 5);
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    };
    fs::write(&socket, "notes").unwrap();
    refused("there is something else than a socket");
    assert_eq!(fs::read_to_string(&socket).unwrap(), "notes");
    fs::remove_file(&socket).unwrap();
    // A link to a socket that nobody listens on, which would be replaced without the link.
    drop(UnixListener::bind(installation.path("other.sock")).unwrap());
    std::os::unix::fs::symlink("other.sock", &socket).unwrap();
    refused("there is something else than a socket");
    fs::remove_file(&socket).unwrap();
    fs::rename(installation.path("other.sock"), &socket).unwrap();
    if Command::new("chown").arg("65534").arg(&socket).status().unwrap().success() {
        refused("belongs to another user");
    } else {
        not_run("a socket of another user: this user cannot give files away");
    }
    fs::remove_file(&socket).unwrap();
    let config = fs::read_to_string(installation.path("locum.toml")).unwrap();
    installation.write("locum.toml", &config.replace("control.sock", &format!("{}.sock", "x".repeat(120))));
    refused("control socket ");
    installation.write("locum.toml", &config.replace("control.sock", "nowhere/control.sock"));
    refused("check that its directory exists");
}

#[test]
fn another_user_is_refused_even_if_the_mode_lets_him_connect() {
    let installation = controlled();
    let mut server = Server::start(&installation);
    let open = Command::new("chmod").args(["-R", "a+rwX"]).arg(installation.path("")).status().unwrap();
    assert!(open.success());
    let as_other = |uid: &str| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", uid, "--clear-groups", env!("CARGO_BIN_EXE_locum"), "plugin", "status"]);
        command.current_dir(installation.path("")).output().unwrap()
    };
    if !as_other("0").status.success() {
        return not_run("a connection of another user: this machine does not let the test become one");
    }
    let refused = as_other("65534");
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("the user 65534 is neither root nor the server's own user"), "{said}");
    server.wait_for("a connection was refused");
}

#[test]
fn a_socket_in_a_directory_that_others_can_change_is_warned_about_and_refused_if_the_config_is_strict() {
    let installation = controlled();
    let config = fs::read_to_string(installation.path("locum.toml")).unwrap();
    let config = config.replace("control.sock", "run/control.sock");
    fs::create_dir(installation.path("run")).unwrap();
    for (mode, strict, code) in [(0o755, true, 0), (0o777, false, 0), (0o777, true, 3)] {
        fs::set_permissions(installation.path("run"), fs::Permissions::from_mode(mode)).unwrap();
        installation.write("locum.toml", &format!("strict_permissions = {strict}\n{config}"));
        let checked = installation.locum(["check"]);
        assert_eq!(checked.code, code, "{mode:o} {strict}: {}", checked.stdout);
        assert_eq!(
            checked.stdout.contains("/run: every user can change it"),
            mode == 0o777,
            "{}",
            checked.stdout
        );
    }
}

#[test]
fn the_command_says_what_to_do_without_a_socket() {
    let installation = Installation::new();
    for arguments in [&["status"][..], &["pause", "app"], &["resume", "app"]] {
        let output = installation.command().args(["plugin"]).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(3));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("locum.toml: no `control` socket is set"), "{said}");
        assert!(said.contains("restart the server"), "{said}");
    }
    let upgrade = installation.locum(["plugin", "upgrade", "--yes", "plugins/liblocum_plugin_app.so"]);
    assert_eq!(upgrade.code, 3);
    assert!(upgrade.stderr.contains("no `control` socket is set"), "{}", upgrade.stderr);
}

#[test]
fn whatever_is_sent_to_the_socket_the_server_goes_on() {
    let installation = controlled();
    let server = Server::start(&installation);
    let token = mint(&installation);
    let long = [b"{\"request\":\"running\",\"plugin\":\"".as_slice(), &[b'a'; 100_000]].concat();
    let deep = [b'['; 8000];
    for (sent, said) in [
        (&b""[..], "not a complete line"),
        (b"\n", "not one that this server knows"),
        (b"\xff\xfe\x00\n", "not one that this server knows"),
        (b"GET / HTTP/1.1\r\n\r\n", "not one that this server knows"),
        (b"{\"request\":\"status\"}", "not a complete line"),
        (b"{\"request\":\"shutdown\"}\n", "not one that this server knows"),
        (&[&deep[..], b"\n"].concat(), "not one that this server knows"),
        (&long, "longer than 8192 bytes"),
        (b"{\"request\":\"pause\",\"plugin\":\"none\"}\n", "no plugin with this name"),
        (b"{\"request\":\"pause\",\"plugin\":\"app\",\"tenant\":\"x\"}\n", "no tenant with this domain"),
        (b"{\"request\":\"pause\",\"plugin\":\"app\",\"api_type\":\"aws\"}\n", "it serves: app"),
        (b"{\"request\":\"resume\",\"plugin\":\"app\"}\n", "nothing of this is paused"),
    ] {
        let answer = send(&installation, sent);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(answer["refused"].as_str().unwrap().contains(said), "{answer}");
    }
    // A line that does not end is refused as soon as it is too long.
    let mut stream = UnixStream::connect(installation.path("control.sock")).unwrap();
    stream.write_all(&[b'a'; 8193]).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("longer than 8192 bytes"), "{answer}");
    // Connections that say nothing keep others waiting until their deadline, and no longer.
    let silent: Vec<UnixStream> =
        (0..8).map(|_| UnixStream::connect(installation.path("control.sock")).unwrap()).collect();
    assert!(server.exchange(&token).starts_with("HTTP/1.1 200"));
    assert_eq!(status(&installation)["pauses"], json!([]));
    drop(silent);
    assert_eq!(
        send(&installation, b"{\"request\":\"status\"}\n{\"request\":\"status\"}\n").lines().count(),
        1
    );
}

fn expect_exchange(server: &Server, token: &str, status: u16) -> String {
    let response = server.exchange(token);
    assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
    response
}

#[test]
fn a_paused_plugin_is_503_until_it_is_resumed_at_both_levels() {
    for runner in [false, true] {
        let installation = controlled();
        if runner {
            installation.install_in_runner("app");
        }
        let mut server = Server::start(&installation);
        let token = mint(&installation);
        expect_exchange(&server, &token, 200);
        let paused = installation.locum(["plugin", "pause", "app"]);
        assert_eq!((paused.code, paused.stdout.trim_end()), (0, "paused app, all tenants, all api_types"));
        assert_eq!(installation.locum(["plugin", "pause", "app"]).code, 0);
        let refused = expect_exchange(&server, &token, 503);
        assert!(refused.contains("temporarily_unavailable") && refused.contains("paused"), "{refused}");
        assert_eq!(status(&installation)["pauses"], json!([{"by": "operator"}]));
        let shown = installation.locum(["plugin", "status"]).stdout;
        let line = "paused: app, all tenants, all api_types, by an operator, until it is resumed";
        assert!(shown.contains(line), "{shown}");
        assert_eq!(server.readiness()["plugins"][0]["pauses"], 1);
        server.signal("-HUP");
        server.wait_for(" reloaded");
        expect_exchange(&server, &token, 503);
        let resumed = installation.locum(["plugin", "resume", "app"]);
        assert_eq!(resumed.code, 0, "{}", resumed.stderr);
        expect_exchange(&server, &token, 200);
        assert_eq!(status(&installation)["pauses"], json!([]));
        assert!(server.readiness()["plugins"][0].get("pauses").is_none());
        assert_eq!(installation.locum(["plugin", "resume", "app"]).code, 1);
        server.stop();
        let events = fs::read_to_string(installation.path("audit.log")).unwrap();
        let count = |text: &str| events.matches(text).count();
        assert_eq!((count("\"code\":\"pause\""), count("\"code\":\"resume\"")), (1, 1), "{events}");
        assert_eq!(count("an operator has paused the issuer"), 2, "{events}");
    }
}

#[test]
fn a_pause_can_be_of_one_tenant_or_api_type_and_a_wider_one_stays() {
    let installation = controlled();
    let server = Server::start(&installation);
    let token = mint(&installation);
    assert_eq!(installation.locum(["plugin", "pause", "app", "--tenant", "globex.example.com"]).code, 0);
    expect_exchange(&server, &token, 200);
    let narrow = ["plugin", "pause", "app", "--tenant", "acme.example.com", "--api-type", "app"];
    assert_eq!(installation.locum(narrow).code, 0);
    expect_exchange(&server, &token, 503);
    assert_eq!(
        status(&installation)["pauses"],
        json!([
            {"by": "operator", "tenant": "globex.example.com"},
            {"by": "operator", "tenant": "acme.example.com", "api_type": "app"},
        ])
    );
    assert_eq!(installation.locum(["plugin", "pause", "app", "--api-type", "app"]).code, 0);
    let resumed = installation.locum(["plugin", "resume", "app", "--tenant", "acme.example.com"]);
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
    // The pause of the api_type is not within the tenant's.
    expect_exchange(&server, &token, 503);
    let refused =
        installation.locum(["plugin", "resume", "app", "--tenant", "acme.example.com", "--api-type", "app"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("a wider pause covers this"), "{}", refused.stderr);
    assert_eq!(installation.locum(["plugin", "resume", "app"]).code, 0);
    expect_exchange(&server, &token, 200);
}

#[test]
fn a_pause_after_three_deaths_is_shown_with_its_end_and_can_be_resumed() {
    let installation = controlled();
    fs::remove_file(installation.plugin()).unwrap();
    installation.install_in_runner("hostile");
    let tenant = fs::read_to_string(installation.path("tenant.yaml")).unwrap();
    let target = "  - client_id: target\n    client_secret: target-secret-0123456789-0123456789\n    \
                  addons: {hostile: {attempt: abort, when: issue}}\n";
    installation.write("tenant.yaml", &(tenant + target));
    let server = Server::start(&installation);
    let token = mint(&installation);
    let expect = |status: u16| {
        let response = server.exchange_for(&token, "&target=target&api_type=hostile");
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
    };
    for _ in 0..3 {
        expect(500);
    }
    expect(503);
    let shown = status(&installation);
    assert_eq!(shown["deaths"], 3);
    let pause = &shown["pauses"][0];
    assert_eq!(
        (&pause["by"], &pause["tenant"], &pause["api_type"]),
        (&json!("deaths"), &json!("acme.example.com"), &json!("hostile"))
    );
    assert!(pause["until"].as_str().unwrap().ends_with('Z'), "{pause}");
    assert_eq!(server.readiness()["plugins"][0]["pauses"], 1);
    assert_eq!(installation.locum(["plugin", "resume", "hostile"]).code, 0);
    assert_eq!(status(&installation)["pauses"], json!([]));
    // It is called again, and ends the process again.
    expect(500);
}
