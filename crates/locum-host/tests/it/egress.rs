//! Upstream calls by HTTP, against a listener on this machine.

use std::sync::Arc;
use std::time::Duration;

use locum_abi::answer::{Credential, RevokeAnswer};
use locum_engine::ports::IssuerFailure;
use locum_host::HttpUpstreams;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::harness::{call_context, configured, issue, load_with, options, parrot, presented};

/// The first byte of TLS (RFC 8446 section 5.1).
const TLS_HANDSHAKE: u8 = 22;

/// Accepts one connection, reads a request with the body `question`, answers with these bytes and keeps the connection
/// until the client closes it. Returns the URL, and a task that returns the request.
async fn upstream(answer: Vec<u8>) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/path?query=1", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        // A TLS client waits for an answer after its first message.
        while !request.ends_with(b"question") && !request.starts_with(&[TLS_HANDSHAKE]) {
            if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                break;
            }
        }
        // The client may close the connection during a long answer.
        let _ = stream.write_all(&answer).await;
        let _ = stream.read_u8().await;
        String::from_utf8_lossy(&request).into_owned()
    });
    (url, task)
}

fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// Revokes with an issuer that calls this URL once, allowed by its setting, and then answers `already_gone`.
async fn call(url: &str, deadline: Duration) -> Result<RevokeAnswer, IssuerFailure> {
    let upstreams = Arc::new(HttpUpstreams::new().unwrap());
    let set = load_with(parrot(), options(upstreams, deadline)).unwrap();
    let request = json!({
        "method": "POST", "url": url, "body": "question",
        "headers": [["Content-Type", "text/plain"], ["authorization", "Bearer t"]],
    });
    let answers = [json!({"kind": "call", "request": request}), json!({"kind": "already_gone"})];
    let answers: Vec<String> = answers.iter().map(Value::to_string).collect();
    let issuer = configured(&set, "parrot_jwt", json!({"upstream": url, "answers": answers}));
    issuer.revoke(presented("token"), call_context()).await
}

const LONG_DEADLINE: Duration = Duration::from_secs(60);

async fn unreachable(answer: Vec<u8>) -> String {
    let (url, task) = upstream(answer).await;
    let outcome = call(&url, LONG_DEADLINE).await;
    task.abort();
    match outcome {
        Err(IssuerFailure::UpstreamUnreachable(why)) => {
            assert!(!why.contains("query") && !why.contains("path"), "{why}");
            why
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_reply_with_any_status_is_given_to_the_issuer() {
    for status in ["200 OK", "400 Bad Request", "500 Internal Server Error"] {
        let (url, task) = upstream(http(status, "x-a: b\r\n", b"{}")).await;
        assert_eq!(call(&url, LONG_DEADLINE).await.unwrap(), RevokeAnswer::AlreadyGone, "{status}");
        drop(task);
    }
}

#[tokio::test]
async fn a_request_is_sent_unchanged_and_without_extra_headers() {
    let (url, task) = upstream(http("200 OK", "connection: close\r\n", b"")).await;
    call(&url, LONG_DEADLINE).await.unwrap();
    let request = task.await.unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "question");
    let mut lines: Vec<&str> = head.lines().collect();
    assert_eq!(lines.remove(0), "POST /path?query=1 HTTP/1.1");
    let mut names: Vec<&str> = lines.iter().filter_map(|line| Some(line.split_once(':')?.0)).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "authorization", "content-length", "content-type", "host", "user-agent"]);
}

#[tokio::test]
async fn bodies_that_are_not_text_go_both_ways_where_that_is_declared() {
    let (url, task) = upstream(http("200 OK", "connection: close\r\n", &[0xff, 0])).await;
    let request =
        json!({"method": "POST", "url": url, "body": "AP9xdWVzdGlvbg==", "body_encoding": "base64"});
    let set = load_with(parrot(), options(Arc::new(HttpUpstreams::new().unwrap()), LONG_DEADLINE)).unwrap();
    let echo = r#"{"kind":"issued","credential":{"text":{input}},"issued_at":1900000000}"#;
    let answers = [json!({"kind": "call", "request": request}).to_string(), echo.to_owned()];
    let issuer = configured(&set, "parrot_calls", json!({"upstream": url, "answers": answers}));
    let Credential::Text(input) = issue(&*issuer).await.unwrap().credential else { panic!("no text") };
    let input: Value = serde_json::from_str(&input).unwrap();
    let reply = &input["replies"][0];
    assert_eq!((&reply["body"], &reply["body_encoding"]), (&json!("/wA="), &json!("base64")));
    let sent = task.await.unwrap();
    assert!(sent.contains("\r\ncontent-length: 10\r\n") && sent.ends_with("question"), "{sent}");
}

#[tokio::test]
async fn a_declared_method_and_header_are_sent() {
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let (url, task) = upstream(http("204 No Content", "connection: close\r\n", b"")).await;
        let headers = [["x-api-version", "2022-11-28"]];
        let request = json!({"method": method, "url": url, "body": "question", "headers": headers});
        let set =
            load_with(parrot(), options(Arc::new(HttpUpstreams::new().unwrap()), LONG_DEADLINE)).unwrap();
        let answers = [json!({"kind": "call", "request": request}), json!({"kind": "revoked"})];
        let answers: Vec<String> = answers.iter().map(Value::to_string).collect();
        let issuer = configured(&set, "parrot_calls", json!({"upstream": url, "answers": answers}));
        assert_eq!(issuer.revoke(presented("token"), call_context()).await.unwrap(), RevokeAnswer::Revoked);
        let request = task.await.unwrap();
        assert!(request.starts_with(&format!("{method} /path?query=1 HTTP/1.1\r\n")), "{request}");
        assert!(request.contains("\r\nx-api-version: 2022-11-28\r\n"), "{request}");
        assert!(request.ends_with("\r\n\r\nquestion"), "{request}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (other, followed) = upstream(http("200 OK", "", b"")).await;
    let why = unreachable(http("302 Found", &format!("location: {other}\r\n"), b"")).await;
    assert!(why.ends_with("answered 302 Found, and redirects are not followed"), "{why}");
    assert!(!followed.is_finished());
    followed.abort();
}

#[tokio::test]
async fn an_oversized_reply_is_refused() {
    let largest = http("200 OK", "", &vec![b'x'; 1 << 20]);
    let (url, _task) = upstream(largest).await;
    assert!(call(&url, LONG_DEADLINE).await.is_ok());
    let why = unreachable(http("200 OK", "", &vec![b'x'; (1 << 20) + 1])).await;
    assert!(why.ends_with("answered with more than 1024 KiB"), "{why}");
    let endless = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let chunk = [b"10000\r\n".as_slice(), &[b'x'; 0x10000], b"\r\n"].concat();
    let why = unreachable([endless, chunk.repeat(17)].concat()).await;
    assert!(why.ends_with("answered with more than 1024 KiB"), "{why}");
}

#[tokio::test]
async fn a_reply_that_is_not_utf_8_is_refused() {
    let why = unreachable(http("200 OK", "", b"\xff\xfe")).await;
    assert!(why.ends_with("answered with a body that is not UTF-8"), "{why}");
}

#[tokio::test]
async fn a_reply_that_is_not_http_is_refused() {
    let why = unreachable(b"SSH-2.0-OpenSSH\r\n".to_vec()).await;
    assert!(why.contains("cannot be reached"), "{why}");
    let why = unreachable(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx: \x01\r\n\r\nhello".to_vec()).await;
    assert!(why.contains("cannot be reached"), "{why}");
}

#[tokio::test]
async fn a_slow_upstream_times_out_at_the_deadline() {
    let deadline = Duration::from_millis(500);
    let silent = upstream(Vec::new()).await;
    let dripping = upstream(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel".to_vec()).await;
    for (url, task) in [silent, dripping] {
        assert!(matches!(call(&url, deadline).await, Err(IssuerFailure::UpstreamTimedOut(_))));
        task.abort();
    }
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/path?query=1", listener.local_addr().unwrap());
    drop(listener);
    match call(&url, LONG_DEADLINE).await {
        Err(IssuerFailure::UpstreamUnreachable(why)) => assert!(why.contains("Connection refused"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_https_upstream_without_tls_is_unreachable() {
    let (url, task) = upstream(http("200 OK", "", b"")).await;
    let outcome = call(&url.replace("http:", "https:"), LONG_DEADLINE).await;
    task.abort();
    assert!(matches!(outcome, Err(IssuerFailure::UpstreamUnreachable(_))), "{outcome:?}");
}
