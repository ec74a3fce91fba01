//! `locum serve` as a process: it answers, reloads on SIGHUP and stops on SIGTERM.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::installation::Installation;

pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) address: String,
    log: Option<BufReader<std::process::ChildStderr>>,
}

impl Server {
    pub(crate) fn start(installation: &Installation) -> Self {
        Self::start_with(installation, &[])
    }

    /// Starts it with further environment variables.
    pub(crate) fn start_with(installation: &Installation, environment: &[(&str, &str)]) -> Self {
        let mut command = installation.command();
        command.envs(environment.iter().copied());
        command.arg("serve").stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::of(command)
    }

    /// Its standard error goes there.
    pub(crate) fn start_with_log(installation: &Installation, log: impl Into<Stdio>) -> Self {
        let mut command = installation.command();
        command.arg("serve").stdout(Stdio::piped()).stderr(log);
        Self::of(command)
    }

    /// The server that this command starts; its standard output is a pipe.
    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
        let log = child.stderr.take().map(BufReader::new);
        Self { child, address, log }
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Stops it and waits until it has written everything.
    pub(crate) fn stop(mut self) {
        self.signal("-TERM");
        assert!(self.child.wait().unwrap().success());
    }

    /// What it logs until it exits.
    pub(crate) fn rest_of_log(&mut self) -> String {
        let mut rest = String::new();
        self.log.as_mut().unwrap().read_to_string(&mut rest).unwrap();
        rest
    }

    /// Reads the log up to a line that contains this text, and returns the line.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let log = self.log.as_mut().unwrap();
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "the log ended without `{text}`");
        }
        line
    }

    pub(crate) fn exchange(&self, id_token: &str) -> String {
        self.exchange_for(id_token, "")
    }

    /// With further parameters, such as `&api_type=aws`.
    pub(crate) fn exchange_for(&self, id_token: &str, parameters: &str) -> String {
        let body = format!(
            "client_id=spa&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&id_token={}{parameters}",
            id_token.trim()
        );
        self.send(&format!(
            "POST /delegation HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}",
            body.len()
        ), &body)
    }

    pub(crate) fn get(&self, path: &str) -> String {
        self.send(&format!("GET {path} HTTP/1.1"), "")
    }

    /// A call of the Management API.
    pub(crate) fn manage(&self, token: &str, method: &str, path: &str, body: &str) -> String {
        let head = format!(
            "{method} /api/v2{path} HTTP/1.1\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}",
            token.trim(),
            body.len()
        );
        self.send(&head, body)
    }

    /// The members of the body of `/readyz`.
    pub(crate) fn readiness(&self) -> Value {
        let response = self.get("/readyz");
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
        serde_json::from_str(response.split("\r\n\r\n").nth(1).unwrap()).unwrap()
    }

    fn send(&self, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write!(stream, "{head}\r\nhost: {}\r\nconnection: close\r\n\r\n{body}", self.address).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    }
}

pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if the process has exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Status and body of the answer to a form.
pub(crate) fn post_form(server: &Server, path: &str, parameters: &Value) -> (u16, Value) {
    let encoded = |text: &str| {
        text.bytes().fold(String::new(), |mut encoded, byte| {
            let _ = write!(encoded, "%{byte:02X}");
            encoded
        })
    };
    let pairs = parameters.as_object().unwrap().iter();
    let body: Vec<String> =
        pairs.map(|(name, value)| format!("{name}={}", encoded(value.as_str().unwrap()))).collect();
    let body = body.join("&");
    let head = format!(
        "POST {path} HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}",
        body.len()
    );
    let response = server.send(&head, &body);
    let status = response.split(' ').nth(1).unwrap().parse().unwrap();
    let body = response.split("\r\n\r\n").nth(1).unwrap();
    (status, serde_json::from_str(body).unwrap_or_default())
}

pub(crate) fn mint(installation: &Installation) -> String {
    installation
        .locum(["token", "mint", "--tenant", "tenant.yaml", "--client", "spa", "--user", "auth0|alice"])
        .stdout
}

#[test]
fn the_server_answers_and_stops_on_sigterm() {
    let installation = Installation::new();
    let mut server = Server::start(&installation);
    assert!(server.exchange(&mint(&installation)).starts_with("HTTP/1.1 200"));
    server.signal("-TERM");
    server.wait_for("stopped");
    assert!(server.child.wait().unwrap().success());
}

#[test]
fn a_reload_replaces_all_tenants_or_none() {
    let installation = Installation::new();
    let mut server = Server::start(&installation);
    let good = std::fs::read_to_string(installation.path("tenant.yaml")).unwrap();
    let old_token = mint(&installation);

    installation.write("tenant.yaml", &good.replace("client_secret", "client_secrets"));
    server.signal("-HUP");
    server.wait_for("reload started");
    assert!(server.wait_for("not reloaded").contains("duration_ms"));
    assert!(server.exchange(&old_token).starts_with("HTTP/1.1 200"));

    installation.write("tenant.yaml", &good.replace("spa-secret", "new-secret"));
    server.signal("-HUP");
    server.wait_for("reload started");
    assert!(server.wait_for(" reloaded").contains("duration_ms"));
    assert!(server.exchange(&old_token).starts_with("HTTP/1.1 400"));
    assert!(server.exchange(&mint(&installation)).starts_with("HTTP/1.1 200"));
}

#[test]
fn an_address_in_use_is_named() {
    let installation = Installation::new();
    let server = Server::start(&installation);
    let refused = installation.locum(["serve", "--listen", &server.address]);
    assert_eq!(refused.code, 5);
    assert!(refused.stderr.contains(&server.address), "{}", refused.stderr);
}

#[test]
fn the_server_listens_on_a_name() {
    let installation = Installation::new();
    let config = std::fs::read_to_string(installation.path("locum.toml")).unwrap();
    installation.write("locum.toml", &config.replace("127.0.0.1:0", "localhost:0"));
    let server = Server::start(&installation);
    assert!(server.exchange(&mint(&installation)).starts_with("HTTP/1.1 200"));
}
