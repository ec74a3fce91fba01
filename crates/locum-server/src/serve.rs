//! From a listening socket to the router: HTTP/1.1 with its limits, and a stop that lets requests finish.

mod per_address;
mod write_deadline;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use locum_engine::rate_limited_address;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tower::Service;

use crate::options::{Limits, ServerOptions};
use crate::request::TrustedProxies;
use crate::serve::per_address::ConnectionsPerAddress;
use crate::serve::write_deadline::WriteDeadline;

/// How long to wait when the system has no socket left for a new connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// How a server stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Drained {
    /// Connections that were still busy at the drain deadline, and were cut.
    pub connections_cut: usize,
}

/// Serves until `shutdown` is done; then takes no more connections, closes those on which no request has begun, and lets
/// requests in flight finish until the drain deadline.
///
/// It speaks HTTP/1.1 without TLS, which is what proxies speak to servers behind them.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
    options: &ServerOptions,
) -> Drained {
    let limits = &options.limits;
    let mut shutdown = pin!(shutdown);
    let mut connections = JoinSet::new();
    let (stopping, stop) = watch::channel(());
    let slots = Arc::new(Semaphore::new(limits.connections_max.min(Semaphore::MAX_PERMITS)));
    let proxies = TrustedProxies::new(&options.trusted_proxies);
    let mut per_address = ConnectionsPerAddress::new(limits.connections_per_address_max, proxies);
    let protocol = protocol(limits);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            (stream, peer, slot) = accept(&listener, &slots) => {
                match per_address.admit(peer.ip(), Instant::now()) {
                    Ok(place) => {
                        let stream = WriteDeadline::new(stream, limits.write_deadline);
                        let served = serve_connection(protocol.clone(), stream, peer, router.clone(), stop.clone());
                        connections.spawn(async move {
                            served.await;
                            drop((slot, place));
                        });
                    }
                    Err(closed) => log_closed(peer, closed),
                }
            }
        }
    }
    drop((listener, stop));
    drop(stopping);
    let drained = timeout(limits.drain_deadline, async { while connections.join_next().await.is_some() {} });
    let connections_cut = if drained.await.is_ok() { 0 } else { connections.len() };
    connections.shutdown().await;
    Drained { connections_cut }
}

/// Serves the requests of a connection until it ends, or until `stop` and the end of the request in flight.
async fn serve_connection(
    protocol: http1::Builder,
    stream: WriteDeadline<TcpStream>,
    peer: SocketAddr,
    router: Router,
    mut stop: watch::Receiver<()>,
) {
    let begun = AtomicBool::new(false);
    let service = service_fn(|request| {
        begun.store(true, Ordering::Relaxed);
        call(router.clone(), peer, request)
    });
    let mut connection = pin!(protocol.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        // What has arrived is read first: a complete head is a request, and is answered.
        biased;
        ended = connection.as_mut() => ended,
        // The channel closes; nothing is sent on it.
        _ = stop.changed() => {
            // hyper takes a new connection for one in use and would wait for the rest of the first head.
            if !begun.load(Ordering::Relaxed) {
                return;
            }
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // A client that breaks off or talks nonsense is not worth a line at the usual level.
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

fn log_closed(peer: SocketAddr, closed: Option<u64>) {
    if let Some(closed) = closed {
        let address = rate_limited_address(peer.ip());
        tracing::warn!(
            %address,
            closed,
            "the address has as many connections as it may, so new ones are closed; if it is a proxy, add it to \
             trusted_proxies"
        );
    }
}

fn protocol(limits: &Limits) -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_deadline)
        // Answers are small: one piece costs less than two, though the body is copied for it.
        .writev(false)
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
