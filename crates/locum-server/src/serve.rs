//! From a listening socket to the router: HTTP/1.1 with its limits, and a stop that lets requests finish.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower::Service;

use crate::options::Limits;

/// How long to wait when the system has no socket left for a new connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// How a server stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Drained {
    /// Connections that were still busy at the drain deadline, and were cut.
    pub connections_cut: usize,
}

/// Serves until `shutdown` is done; then takes no more connections, closes idle ones, and lets requests in flight
/// finish until the drain deadline.
///
/// It speaks HTTP/1.1 without TLS, which is what proxies speak to servers behind them.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
    limits: &Limits,
) -> Drained {
    let mut shutdown = pin!(shutdown);
    let mut connections = JoinSet::new();
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(limits.connections_max.min(Semaphore::MAX_PERMITS)));
    let protocol = protocol(limits);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            (stream, peer, slot) = accept(&listener, &slots) => {
                let router = router.clone();
                let service = service_fn(move |request| call(router.clone(), peer, request));
                let connection = graceful.watch(protocol.serve_connection(TokioIo::new(stream), service));
                connections.spawn(async move {
                    // A client that breaks off or talks nonsense is not worth a line at the usual level.
                    if let Err(error) = connection.await {
                        tracing::debug!(%error, "a connection ended early");
                    }
                    drop(slot);
                });
            }
        }
    }
    drop(listener);
    let drained = timeout(limits.drain_deadline, graceful.shutdown()).await;
    while connections.try_join_next().is_some() {}
    let connections_cut = if drained.is_ok() { 0 } else { connections.len() };
    connections.shutdown().await;
    Drained { connections_cut }
}

fn protocol(limits: &Limits) -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_deadline)
        .max_header_size(limits.head_bytes_max);
    protocol
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    // Nobody closes the semaphore, so there always is a permit in the end.
    let slot = Arc::clone(slots).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are small and final: waiting to fill a packet only delays them.
                let _ = stream.set_nodelay(true);
                return (stream, peer, slot);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn call(
    mut router: Router,
    peer: SocketAddr,
    mut request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Body>, Infallible>> {
    request.extensions_mut().insert(ConnectInfo(peer));
    router.call(request)
}
