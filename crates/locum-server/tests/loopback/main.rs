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
use locum_server::{Drained, Limits, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

/// Longest wait for an event that is due without delay.
const SOON: Duration = Duration::from_secs(20);

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
            .route("/waits", get(waits));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stop_requested) = oneshot::channel();
        let stopped = tokio::spawn(async move {
            let shutdown = async { drop(stop_requested.await) };
            serve(listener, router, shutdown, &limits).await
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
