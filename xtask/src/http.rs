//! As much HTTP as the demo needs: one POST with JSON, one response.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

/// Posts JSON and reads the JSON response.
pub fn post_json(address: &str, path: &str, body: &Value) -> Result<(u16, Value)> {
    let body = body.to_string();
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let (head, body) =
        response.split_once("\r\n\r\n").context("the server's response has no end of its head")?;
    let status = head.split(' ').nth(1).context("the server's response has no status")?.parse()?;
    Ok((status, serde_json::from_str(body)?))
}
