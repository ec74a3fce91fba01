//! `serve` over connections on the loopback interface. The other tests need no socket, so these are a test binary of
//! their own.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failure here is a failure of the test")]

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::{any, get};
use locum_server::{Drained, Limits, ServerOptions, serve};
use locum_testing::{ACME, TestEngine, good};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

/// Longest wait for an event that is due without delay.
const SOON: Duration = Duration::from_secs(20);

/// More than the socket buffers of both sides hold.
const LARGE_BYTES: usize = 64 * 1024 * 1024;

/// A server with a path that answers, one that names its peer, and one that waits for a notification.
struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    stopped: JoinHandle<Drained>,
    entered: Arc<Notify>,
    leave: Arc<Notify>,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        Self::start_with(ServerOptions { limits, ..ServerOptions::default() }).await
    }

    async fn start_with(options: ServerOptions) -> Self {
        let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (entered_by_handler, awaited_by_handler) = (Arc::clone(&entered), Arc::clone(&leave));
        let waits = move || async move {
            entered_by_handler.notify_one();
            awaited_by_handler.notified().await;
            "left"
        };
        let router = Router::new()
            .route("/", get("here"))
            .route("/peer", any(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }))
            .route("/large", get(|| async { vec![b'x'; LARGE_BYTES] }))
            .route("/waits", get(waits));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stop_requested) = oneshot::channel();
        let stopped = tokio::spawn(async move {
            let shutdown = async { drop(stop_requested.await) };
            serve(listener, router, shutdown, &options).await
        });
        Self { address, stop, stopped, entered, leave }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn stop(self) -> Drained {
        self.stop.send(()).unwrap();
        tokio::time::timeout(SOON, self.stopped).await.unwrap().unwrap()
    }
}

fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: a.example\r\n\r\n")
}

/// Everything until the server closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    tokio::time::timeout(SOON, stream.read_to_end(&mut text)).await.unwrap().unwrap();
    String::from_utf8(text).unwrap()
}

/// One response on a connection that stays open, up to its body.
async fn response(stream: &mut TcpStream, body: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(body) {
        let mut part = [0; 1024];
        let read = tokio::time::timeout(SOON, stream.read(&mut part)).await.unwrap().unwrap();
        assert_ne!(read, 0, "the connection was closed after {text:?}");
        text.push_str(std::str::from_utf8(&part[..read]).unwrap());
    }
    text
}

#[tokio::test]
async fn a_connection_serves_several_requests_and_gives_the_peer_address() {
    let server = Server::start(Limits::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(request("/").as_bytes()).await.unwrap();
    assert!(response(&mut stream, "here").await.starts_with("HTTP/1.1 200 OK\r\n"));
    stream.write_all(request("/peer").as_bytes()).await.unwrap();
    let local = stream.local_addr().unwrap().to_string();
    response(&mut stream, &local).await;
    drop(stream);
    assert_eq!(server.stop().await, Drained { connections_cut: 0 });
}

#[tokio::test]
async fn a_head_of_the_largest_size_is_read_and_one_byte_more_is_refused() {
    let head = request("/").replace("host", "connection: close\r\nhost");
    for (head_bytes_max, status) in [(head.len(), "200"), (head.len() - 1, "431")] {
        let server = Server::start(Limits { head_bytes_max, ..Limits::default() }).await;
        let mut stream = server.connect().await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let response = rest(&mut stream).await;
        assert!(response.starts_with(&format!("HTTP/1.1 {status}")), "{response}");
        assert_eq!(server.stop().await.connections_cut, 0);
    }
}

#[tokio::test]
async fn a_connection_whose_head_does_not_arrive_in_time_is_closed() {
    let limits = Limits { head_deadline: Duration::from_millis(50), ..Limits::default() };
    let server = Server::start(limits).await;
    for begun in ["", "GET / HTTP/1.1\r\nhost: a.exa"] {
        let mut stream = server.connect().await;
        stream.write_all(begun.as_bytes()).await.unwrap();
        assert!(!rest(&mut stream).await.contains("200 OK"));
    }
    let mut idle = server.connect().await;
    idle.write_all(request("/").as_bytes()).await.unwrap();
    assert!(rest(&mut idle).await.ends_with("here"));
    assert_eq!(server.stop().await.connections_cut, 0);
}

#[tokio::test]
async fn a_connection_beyond_the_limit_waits_until_another_closes() {
    let server = Server::start(Limits { connections_max: 1, ..Limits::default() }).await;
    let mut first = server.connect().await;
    first.write_all(request("/waits").as_bytes()).await.unwrap();
    server.entered.notified().await;
    let mut second = server.connect().await;
    second.write_all(request("/").replace("host", "connection: close\r\nhost").as_bytes()).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(100), second.read_u8()).await;
    assert!(early.is_err(), "the second connection was served while the first was open");
    drop(first);
    assert!(rest(&mut second).await.ends_with("here"));
    assert_eq!(server.stop().await.connections_cut, 0);
}

#[tokio::test]
async fn a_stop_closes_idle_connections_and_lets_requests_in_flight_finish() {
    let server = Server::start(Limits::default()).await;
    let mut idle = server.connect().await;
    idle.write_all(request("/").as_bytes()).await.unwrap();
    response(&mut idle, "here").await;
    let mut busy = server.connect().await;
    busy.write_all(request("/waits").as_bytes()).await.unwrap();
    server.entered.notified().await;

    let (address, leave) = (server.address, Arc::clone(&server.leave));
    let stopping = tokio::spawn(server.stop());
    assert_eq!(rest(&mut idle).await, "");
    assert!(TcpStream::connect(address).await.is_err(), "a stopping server still accepts");
    assert!(!stopping.is_finished());
    leave.notify_one();
    let response = rest(&mut busy).await;
    assert!(response.starts_with("HTTP/1.1 200 OK") && response.ends_with("left"), "{response}");
    assert_eq!(stopping.await.unwrap(), Drained { connections_cut: 0 });
}

#[tokio::test]
async fn requests_that_do_not_finish_are_cut_at_the_drain_deadline() {
    let limits = Limits { drain_deadline: Duration::from_millis(50), ..Limits::default() };
    let server = Server::start(limits).await;
    let mut busy = server.connect().await;
    busy.write_all(request("/waits").as_bytes()).await.unwrap();
    server.entered.notified().await;
    assert_eq!(server.stop().await, Drained { connections_cut: 1 });
    let cut = tokio::select! {
        read = busy.read_u8() => read.is_err(),
        () = pending() => false,
    };
    assert!(cut, "the connection is still open");
}

/// A request after which the server closes the connection.
fn last_request(path: &str) -> String {
    request(path).replace("host", "connection: close\r\nhost")
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_cut_at_the_write_deadline() {
    let limits = Limits {
        write_deadline: Duration::from_secs(1),
        head_deadline: SOON * 2,
        connections_max: 1,
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let mut reader = server.connect().await;
    reader.write_all(last_request("/large").as_bytes()).await.unwrap();
    assert!(rest(&mut reader).await.len() > LARGE_BYTES);

    let mut silent = server.connect().await;
    silent.write_all(last_request("/large").as_bytes()).await.unwrap();
    // There is room for one connection, so this one is served once the other is cut.
    let mut next = server.connect().await;
    next.write_all(last_request("/").as_bytes()).await.unwrap();
    assert!(rest(&mut next).await.ends_with("here"));
    let mut read = Vec::new();
    let _ = silent.read_to_end(&mut read).await;
    assert!(read.len() < LARGE_BYTES);
    assert_eq!(server.stop().await.connections_cut, 0);
}

/// The answer to a request on a new connection, empty if the server closes it.
async fn answer(server: &Server) -> String {
    let mut stream = server.connect().await;
    let mut text = Vec::new();
    if stream.write_all(last_request("/").as_bytes()).await.is_ok() {
        let _ = tokio::time::timeout(SOON, stream.read_to_end(&mut text)).await.unwrap();
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn an_address_with_all_its_connections_gets_no_more_until_one_closes() {
    let server = Server::start(Limits { connections_per_address_max: 2, ..Limits::default() }).await;
    let mut held = [server.connect().await, server.connect().await];
    for stream in &mut held {
        stream.write_all(request("/").as_bytes()).await.unwrap();
        response(stream, "here").await;
    }
    assert_eq!(answer(&server).await, "");
    drop(held);
    let served = async {
        while !answer(&server).await.ends_with("here") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, served).await.unwrap();
    assert_eq!(server.stop().await.connections_cut, 0);
}

#[tokio::test]
async fn a_trusted_proxy_may_hold_any_number_of_connections() {
    let server = Server::start_with(ServerOptions {
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        limits: Limits { connections_per_address_max: 1, ..Limits::default() },
        ..ServerOptions::default()
    })
    .await;
    let mut held = server.connect().await;
    held.write_all(request("/").as_bytes()).await.unwrap();
    response(&mut held, "here").await;
    assert!(answer(&server).await.ends_with("here"));
    assert_eq!(server.stop().await.connections_cut, 0);
}

#[tokio::test]
async fn a_head_that_is_not_complete_does_not_hold_a_stop() {
    let limits = Limits { head_deadline: SOON * 2, drain_deadline: SOON * 2, ..Limits::default() };
    let server = Server::start(limits).await;
    let silent = server.connect().await;
    let mut first = server.connect().await;
    first.write_all(b"GET / HTTP/1.1\r\nhost: a.exa").await.unwrap();
    let mut second = server.connect().await;
    second.write_all(request("/").as_bytes()).await.unwrap();
    response(&mut second, "here").await;
    second.write_all(b"GET / HTTP/1.1\r\nhost: a.exa").await.unwrap();
    // `Server::stop` waits for half as long as the deadlines would.
    assert_eq!(server.stop().await, Drained { connections_cut: 0 });
    drop((silent, first, second));
}

#[tokio::test]
async fn a_body_in_another_transfer_coding_than_chunked_is_refused() {
    let engine = TestEngine::new().engine;
    let options = ServerOptions::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = locum_server::router(engine, options.clone());
    tokio::spawn(async move { serve(listener, router, pending(), &options).await });
    let body = form();
    for (coding, status) in
        [("chunked", "200"), ("gzip, chunked", "415"), ("gzip", "400"), ("chunked, gzip", "400")]
    {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "POST /delegation HTTP/1.1\r\nhost: {ACME}\r\nconnection: close\r\ncontent-type: \
             application/x-www-form-urlencoded\r\ntransfer-encoding: {coding}\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let response = rest(&mut stream).await;
        assert!(response.starts_with(&format!("HTTP/1.1 {status}")), "{coding}: {response}");
    }
}

/// A good delegation as a form.
fn form() -> String {
    let parameters = good();
    let pairs = parameters.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap()));
    pairs.collect::<Vec<_>>().join("&")
}
