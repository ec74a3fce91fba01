//! A server that really runs: it answers, reloads all or nothing, and stops when it is told to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::house::House;

struct Server {
    child: Child,
    address: String,
    log: BufReader<std::process::ChildStderr>,
}

impl Server {
    fn start(house: &House) -> Self {
        let mut command = house.command();
        let mut child = command.arg("serve").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let address = said.trim().strip_prefix("listening on http://").unwrap().to_owned();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, address, log }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Reads the log up to a line that holds this word.
    fn wait_for(&mut self, word: &str) {
        let mut line = String::new();
        while !line.contains(word) {
            line.clear();
            assert_ne!(self.log.read_line(&mut line).unwrap(), 0, "the log ended without `{word}`");
        }
    }

    fn exchange(&self, id_token: &str) -> String {
        let body = format!(
            "client_id=spa&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&id_token={}",
            id_token.trim()
        );
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write!(
            stream,
            "POST /delegation HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if it has stopped by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn mint(house: &House) -> String {
    house
        .locum(["token", "mint", "--tenant", "tenant.yaml", "--client", "spa", "--user", "auth0|alice"])
        .stdout
}

#[test]
fn it_answers_and_stops_when_it_is_told_to() {
    let house = House::new();
    let mut server = Server::start(&house);
    assert!(server.exchange(&mint(&house)).starts_with("HTTP/1.1 200"));
    server.signal("-TERM");
    server.wait_for("stopped");
    assert!(server.child.wait().unwrap().success());
}

#[test]
fn a_reload_is_all_or_nothing() {
    let house = House::new();
    let mut server = Server::start(&house);
    let good = std::fs::read_to_string(house.path("tenant.yaml")).unwrap();
    let old_token = mint(&house);

    house.write("tenant.yaml", &good.replace("client_secret", "client_secrets"));
    server.signal("-HUP");
    server.wait_for("not reloaded");
    assert!(server.exchange(&old_token).starts_with("HTTP/1.1 200"));

    house.write("tenant.yaml", &good.replace("spa-secret", "new-secret"));
    server.signal("-HUP");
    server.wait_for("reloaded");
    assert!(server.exchange(&old_token).starts_with("HTTP/1.1 400"));
    assert!(server.exchange(&mint(&house)).starts_with("HTTP/1.1 200"));
}

#[test]
fn an_address_that_is_taken_is_named() {
    let house = House::new();
    let server = Server::start(&house);
    let refused = house.locum(["serve", "--listen", &server.address]);
    assert_eq!(refused.code, 5);
    assert!(refused.stderr.contains(&server.address), "{}", refused.stderr);
}
