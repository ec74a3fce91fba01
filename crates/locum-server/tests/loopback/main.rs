//! `serve` over real connections to this machine: what only a socket can show. Apart from the other tests, which
//! need none.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failure here is the test's own")]

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

/// Longest wait for what must happen at once.
const SOON: Duration = Duration::from_secs(20);

/// A server with a path that answers, one that names its peer, and one that waits to be let go.
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
        let (entering, leaving) = (Arc::clone(&entered), Arc::clone(&leave));
        let waits = move || async move {
            entering.notify_one();
            leaving.notified().await;
            "left"
        };
        let router = Router::new()
            .route("/", get("here"))
            .route("/peer", any(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }))
            .route("/waits", get(waits));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, asked) = oneshot::channel();
        let stopped = tokio::spawn(async move {
            let shutdown = async { drop(asked.await) };
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

fn asking(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: a.example\r\n\r\n")
}

/// Everything until the server closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    tokio::time::timeout(SOON, stream.read_to_end(&mut text)).await.unwrap().unwrap();
    String::from_utf8(text).unwrap()
}

/// One answer on a connection that stays open; `body` ends it.
async fn answer(stream: &mut TcpStream, body: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(body) {
        let mut part = [0; 1024];
        let read = tokio::time::timeout(SOON, stream.read(&mut part)).await.unwrap().unwrap();
        assert_ne!(read, 0, "the connection ended after {text:?}");
        text.push_str(std::str::from_utf8(&part[..read]).unwrap());
    }
    text
}

#[tokio::test]
async fn a_connection_serves_more_than_one_request_and_knows_its_peer() {
    let server = Server::start(Limits::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(asking("/").as_bytes()).await.unwrap();
    assert!(answer(&mut stream, "here").await.starts_with("HTTP/1.1 200 OK\r\n"));
    stream.write_all(asking("/peer").as_bytes()).await.unwrap();
    let local = stream.local_addr().unwrap().to_string();
    answer(&mut stream, &local).await;
    drop(stream);
    assert_eq!(server.stop().await, Drained { connections_cut: 0 });
}

#[tokio::test]
async fn the_longest_head_is_read_and_one_byte_more_is_not() {
    let head = asking("/").replace("host", "connection: close\r\nhost");
    for (head_bytes_max, status) in [(head.len(), "200"), (head.len() - 1, "431")] {
        let server = Server::start(Limits { head_bytes_max, ..Limits::default() }).await;
        let mut stream = server.connect().await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let answered = rest(&mut stream).await;
        assert!(answered.starts_with(&format!("HTTP/1.1 {status}")), "{answered}");
        assert_eq!(server.stop().await.connections_cut, 0);
    }
}

#[tokio::test]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let limits = Limits { head_deadline: Duration::from_millis(50), ..Limits::default() };
    let server = Server::start(limits).await;
    for begun in ["", "GET / HTTP/1.1\r\nhost: a.exa"] {
        let mut stream = server.connect().await;
        stream.write_all(begun.as_bytes()).await.unwrap();
        assert!(!rest(&mut stream).await.contains("200 OK"));
    }
    let mut idle = server.connect().await;
    idle.write_all(asking("/").as_bytes()).await.unwrap();
    assert!(rest(&mut idle).await.ends_with("here"));
    assert_eq!(server.stop().await.connections_cut, 0);
}

#[tokio::test]
async fn a_connection_too_many_waits_for_a_place() {
    let server = Server::start(Limits { connections_max: 1, ..Limits::default() }).await;
    let mut first = server.connect().await;
    first.write_all(asking("/waits").as_bytes()).await.unwrap();
    server.entered.notified().await;
    let mut second = server.connect().await;
    second.write_all(asking("/").replace("host", "connection: close\r\nhost").as_bytes()).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(100), second.read_u8()).await;
    assert!(early.is_err(), "the second connection was served while the first was open");
    drop(first);
    assert!(rest(&mut second).await.ends_with("here"));
    assert_eq!(server.stop().await.connections_cut, 0);
}

#[tokio::test]
async fn a_stop_closes_what_is_idle_and_lets_what_is_in_flight_finish() {
    let server = Server::start(Limits::default()).await;
    let mut idle = server.connect().await;
    idle.write_all(asking("/").as_bytes()).await.unwrap();
    answer(&mut idle, "here").await;
    let mut busy = server.connect().await;
    busy.write_all(asking("/waits").as_bytes()).await.unwrap();
    server.entered.notified().await;

    let (address, leave) = (server.address, Arc::clone(&server.leave));
    let stopping = tokio::spawn(server.stop());
    assert_eq!(rest(&mut idle).await, "");
    assert!(TcpStream::connect(address).await.is_err(), "a stopping server still accepts");
    assert!(!stopping.is_finished());
    leave.notify_one();
    let answered = rest(&mut busy).await;
    assert!(answered.starts_with("HTTP/1.1 200 OK") && answered.ends_with("left"), "{answered}");
    assert_eq!(stopping.await.unwrap(), Drained { connections_cut: 0 });
}

#[tokio::test]
async fn what_does_not_finish_is_cut_at_the_drain_deadline() {
    let limits = Limits { drain_deadline: Duration::from_millis(50), ..Limits::default() };
    let server = Server::start(limits).await;
    let mut busy = server.connect().await;
    busy.write_all(asking("/waits").as_bytes()).await.unwrap();
    server.entered.notified().await;
    assert_eq!(server.stop().await, Drained { connections_cut: 1 });
    let cut = tokio::select! {
        read = busy.read_u8() => read.is_err(),
        () = pending() => false,
    };
    assert!(cut, "the connection is still open");
}
