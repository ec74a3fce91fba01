//! A client that says whether a request was answered, not sent, or neither is known.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::cluster::tenant::DOMAIN;

/// How long a connection and an answer are waited for.
const CONNECT: Duration = Duration::from_secs(1);
const ANSWER: Duration = Duration::from_secs(6);

/// What came of a request.
pub(super) enum Reply {
    /// A node answered.
    Answered(Answer),
    /// There was no connection.
    NotSent,
    /// It may have been processed or not: the reason.
    Ambiguous(String),
}

pub(super) struct Answer {
    pub(super) status: u16,
    /// In lower case.
    head: String,
    pub(super) body: Value,
}

impl Answer {
    #[cfg(test)]
    pub(super) fn new(status: u16, body: Value) -> Self {
        Self { status, head: String::new(), body }
    }

    /// Whether the limiter counted the request.
    pub(super) fn is_counted(&self) -> bool {
        self.head.contains("x-ratelimit-remaining:") || self.status == 429
    }

    /// A text of the body.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }
}

/// One kept connection.
pub(super) struct Client {
    address: SocketAddr,
    stream: Option<TcpStream>,
}

impl Client {
    pub(super) fn to(address: SocketAddr) -> Self {
        Self { address, stream: None }
    }

    /// Posts JSON as a client at this address, whom a trusted proxy has passed on.
    pub(super) fn post(&mut self, path: &str, from: &str, body: &Value) -> Reply {
        if self.send(path, from, body) { self.receive() } else { Reply::NotSent }
    }

    /// Calls the Management API with a token: method and path, such as `GET /clients`, and a body or `null`.
    pub(super) fn manage(&mut self, token: &str, call: &str, body: &Value) -> Reply {
        let (method, path) = call.split_once(' ').unwrap_or((call, ""));
        let head = format!("{method} /api/v2{path} HTTP/1.1\r\nauthorization: Bearer {token}");
        if self.write(&head, body) { self.receive() } else { Reply::NotSent }
    }

    /// Posts JSON, and the answer is received later. Returns whether there was a connection.
    pub(super) fn send(&mut self, path: &str, from: &str, body: &Value) -> bool {
        self.write(&format!("POST {path} HTTP/1.1\r\nx-forwarded-for: {from}"), body)
    }

    fn write(&mut self, head: &str, body: &Value) -> bool {
        if !self.stream.as_ref().is_some_and(is_open) {
            self.stream = connect(self.address);
        }
        let Some(stream) = &mut self.stream else { return false };
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = format!(
            "{head}\r\nhost: {DOMAIN}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        // What was sent in part is not answered, which the caller sees.
        let _ = stream.write_all(request.as_bytes());
        true
    }

    /// The answer to what was sent.
    pub(super) fn receive(&mut self) -> Reply {
        let Some(mut stream) = self.stream.take() else { return Reply::NotSent };
        let mut received = Vec::new();
        let mut chunk = [0; 8192];
        loop {
            match stream.read(&mut chunk) {
                Ok(0) => return Reply::Ambiguous("closed".to_owned()),
                Ok(read) => received.extend_from_slice(chunk.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Reply::Ambiguous(error.kind().to_string()),
            }
            let Some((status, head, body)) = complete(&received) else { continue };
            if !head.contains("connection: close") {
                self.stream = Some(stream);
            }
            return match serde_json::from_slice(body) {
                Ok(body) => Reply::Answered(Answer { status, head, body }),
                // Nodes answer in JSON.
                Err(_) => Reply::Ambiguous(format!("proxy {status}")),
            };
        }
    }
}

fn connect(address: SocketAddr) -> Option<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, CONNECT).ok()?;
    stream.set_nodelay(true).ok()?;
    stream.set_read_timeout(Some(ANSWER)).ok()?;
    Some(stream)
}

/// Whether the other side has not closed it.
fn is_open(stream: &TcpStream) -> bool {
    let peeked = stream.set_nonblocking(true).and_then(|()| stream.peek(&mut [0]));
    stream.set_nonblocking(false).is_ok() && peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// Status, head in lower case and body, once all of it is there.
fn complete(received: &[u8]) -> Option<(u16, String, &[u8])> {
    let end = received.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(received.get(..end)?).to_lowercase();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).map(str::trim);
    let body = received.get(end + 4..)?;
    match length {
        Some(length) => Some((status, head.clone(), body.get(..length.parse().ok()?)?)),
        // HAProxy's own answers end with the connection.
        None if status >= 500 => Some((status, format!("{head}\nconnection: close"), &[])),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_complete_with_the_last_byte_of_its_body() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        assert!(complete(&whole[..whole.len() - 1]).is_none());
        let (status, _, body) = complete(whole).unwrap();
        assert_eq!((status, body), (200, b"{}".as_slice()));
    }

    #[test]
    fn an_answer_of_the_proxy_is_none_of_a_node() {
        let (status, head, body) = complete(b"HTTP/1.0 503 Service Unavailable\r\n\r\n<html>").unwrap();
        assert!(status == 503 && head.contains("connection: close") && body.is_empty());
    }
}
