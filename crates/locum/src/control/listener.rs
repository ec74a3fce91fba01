//! Reads one request from each connection, and answers it. Whatever arrives, the server goes on.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::{Duration, sleep, timeout};

use crate::control::controlled_server::ControlledServer;
use crate::control::orders;
use crate::control::protocol::{Answer, REQUEST_BYTES_MAX, Request, TRANSFER_DEADLINE};

/// Most connections that are served at a time. Others wait.
const CONNECTIONS_MAX: usize = 8;

/// How long after an error the next connection is accepted. The process may have no free descriptor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the socket until the task is dropped.
pub(crate) async fn serve(listener: UnixListener, server: Arc<ControlledServer>) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(permit) = Arc::clone(&connections).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let server = Arc::clone(&server);
                tokio::spawn(async move {
                    serve_connection(stream, &server).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!("control socket: {error}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve_connection(stream: UnixStream, server: &Arc<ControlledServer>) {
    let answer = match refused_peer(&stream) {
        Some(reason) => Answer::Refused(reason),
        None => {
            // An order is carried out also if whoever gave it is gone.
            return answer(stream, server).await;
        }
    };
    tracing::warn!("control socket: a connection was refused: {answer:?}");
    write(stream, &answer).await;
}

/// Why this peer may not give orders. The mode of the socket keeps such peers away; this holds if somebody changes it.
fn refused_peer(stream: &UnixStream) -> Option<String> {
    let own = rustix::process::geteuid().as_raw();
    match stream.peer_cred() {
        Ok(peer) if may_give_orders(peer.uid(), own) => None,
        Ok(peer) => Some(format!("the user {} is neither root nor the server's own user", peer.uid())),
        Err(error) => Some(format!("the system does not say who connects: {error}")),
    }
}

fn may_give_orders(peer: u32, own: u32) -> bool {
    peer == own || peer == 0
}

async fn answer(mut stream: UnixStream, server: &Arc<ControlledServer>) {
    let answer = match timeout(TRANSFER_DEADLINE, read(&mut stream)).await {
        Ok(Ok(request)) => orders::obey(server, request).await.map_or_else(Answer::Refused, Answer::Done),
        Ok(Err(reason)) => Answer::Refused(reason),
        // Nobody waits for an answer.
        Err(_) => return,
    };
    write(stream, &answer).await;
}

async fn read(stream: &mut UnixStream) -> Result<Request, String> {
    let mut line = Vec::new();
    let mut limited = BufReader::new(stream.take(REQUEST_BYTES_MAX + 1));
    limited.read_until(b'\n', &mut line).await.map_err(|error| error.to_string())?;
    if line.len() as u64 > REQUEST_BYTES_MAX {
        return Err(format!("the request is longer than {REQUEST_BYTES_MAX} bytes"));
    }
    if line.last() != Some(&b'\n') {
        return Err("the request is not a complete line".to_owned());
    }
    serde_json::from_slice(&line).map_err(|error| {
        format!("the request is not one that this server knows: {error}; use the `locum` of the same release")
    })
}

async fn write(mut stream: UnixStream, answer: &Answer) {
    let Ok(mut line) = serde_json::to_vec(answer) else { return };
    line.push(b'\n');
    // Fails if the peer is gone or does not read; the order has been carried out nevertheless.
    let _ = timeout(TRANSFER_DEADLINE, stream.write_all(&line)).await;
    let _ = timeout(TRANSFER_DEADLINE, stream.shutdown()).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_and_the_servers_own_user_give_orders() {
        for (peer, own, may) in [(7, 7, true), (0, 7, true), (8, 7, false), (7, 0, false), (0, 0, true)] {
            assert_eq!(may_give_orders(peer, own), may, "{peer} {own}");
        }
    }
}
