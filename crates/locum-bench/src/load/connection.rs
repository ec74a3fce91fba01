//! One kept connection: sends a request, and finds where its response ends.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// Longest time to connect.
const CONNECT: Duration = Duration::from_secs(10);
/// Bytes of a response that one read takes.
const READ_BYTES: usize = 8192;

pub(super) struct Connection {
    pub(super) stream: TcpStream,
    received: Vec<u8>,
    /// When the request that it waits for was due.
    pub(super) due: Option<Instant>,
}

impl Connection {
    pub(super) fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, CONNECT)
            .with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, received: Vec::with_capacity(READ_BYTES), due: None })
    }

    /// Whether the service keeps it open. Services close connections that nothing is sent on for long.
    pub(super) fn is_open(&self) -> bool {
        self.stream.peek(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// Sends it. Latency is counted from when it was due.
    pub(super) fn send(&mut self, request: &[u8], due: Instant) -> Result<()> {
        self.due = Some(due);
        // A request is far smaller than a socket's buffer, and the one before was answered.
        let sent = self.stream.write(request).context("the service closed the connection")?;
        ensure!(sent == request.len(), "a request was sent in part: {sent} of {} bytes", request.len());
        Ok(())
    }

    /// Reads what is there. The status, once the response is complete.
    pub(super) fn receive(&mut self) -> Result<Option<u16>> {
        let mut chunk = [0; READ_BYTES];
        match self.stream.read(&mut chunk) {
            Ok(0) => bail!("the service closed a connection"),
            Ok(read) => self.received.extend_from_slice(chunk.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error).context("the connection failed"),
        }
        let Some(response) = complete(&self.received)? else { return Ok(None) };
        ensure!(self.due.is_some(), "the service answered a request that was not sent");
        ensure!(response.bytes == self.received.len(), "the service sent more than its response");
        self.received.clear();
        Ok(Some(response.status))
    }
}

struct Response {
    status: u16,
    bytes: usize,
}

/// Head and body, if all of both is there. The service must say how long its body is.
fn complete(received: &[u8]) -> Result<Option<Response>> {
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(received.get(..end).unwrap_or_default())?;
    let first = head.lines().next().unwrap_or_default();
    let status =
        first.split(' ').nth(1).and_then(|field| field.parse().ok()).context("there is no status")?;
    let length = head.lines().find_map(content_length).context("there is no Content-Length")?;
    let bytes = end + 4 + length;
    Ok((received.len() >= bytes).then_some(Response { status, bytes }))
}

fn content_length(line: &str) -> Option<usize> {
    let (name, value) = line.split_once(':')?;
    name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<(u16, usize)> {
        complete(text.as_bytes()).unwrap().map(|response| (response.status, response.bytes))
    }

    #[test]
    fn a_response_is_complete_with_the_last_byte_of_its_body() {
        let whole = "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(parsed(whole), Some((429, whole.len())));
        for end in 0..whole.len() {
            assert_eq!(parsed(&whole[..end]), None, "{end}");
        }
    }

    #[test]
    fn a_response_without_a_length_or_a_status_is_an_error() {
        assert!(complete(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        assert!(complete(b"HTTP/1.1\r\ncontent-length: 0\r\n\r\n").is_err());
    }
}
