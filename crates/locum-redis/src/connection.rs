//! The connection to Redis: one for all requests, which do not wait for each other's replies on it.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError, RedisResult};
use tokio::sync::Mutex;

/// How long connecting may take, also when no request waits for it any more.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// A server, and the connection to it once a request has needed one.
pub(crate) struct Connection {
    client: Client,
    slot: Arc<Mutex<Slot>>,
}

/// The connection in use.
#[derive(Default)]
struct Slot {
    established: Option<MultiplexedConnection>,
    /// How many were established.
    number: u64,
}

impl Connection {
    pub(crate) fn to(client: Client) -> Self {
        Self { client, slot: Arc::default() }
    }

    /// The connection and its number. One caller connects; whoever stops waiting does not stop that.
    pub(crate) async fn get(&self) -> RedisResult<(MultiplexedConnection, u64)> {
        let mut slot = Arc::clone(&self.slot).lock_owned().await;
        if let Some(connection) = &slot.established {
            return Ok((connection.clone(), slot.number));
        }
        let client = self.client.clone();
        let connecting = tokio::spawn(async move {
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(CONNECT_TIMEOUT))
                // Each request has its own deadline.
                .set_response_timeout(None);
            let connection = client.get_multiplexed_async_connection_with_config(&config).await?;
            slot.number += 1;
            slot.established = Some(connection.clone());
            Ok((connection, slot.number))
        });
        connecting
            .await
            .unwrap_or_else(|error| Err(RedisError::from((ErrorKind::Io, "connecting", error.to_string()))))
    }

    /// Gives up the connection with this number, which has failed.
    pub(crate) async fn give_up(&self, number: u64) {
        let mut slot = self.slot.lock().await;
        if slot.number == number {
            slot.established = None;
        }
    }
}
