//! The requests of a load, made before it starts: one for each user.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use serde_json::json;

use crate::exchange::Exchange;
use crate::id_token::{Minter, claims};
use crate::tenant;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Whole HTTP requests, each of another user.
pub(crate) struct Requests(Vec<Vec<u8>>);

impl Requests {
    /// One for each of so many users, starting at user `first`.
    pub(crate) fn of_users(exchange: Exchange, first: usize, users: usize) -> Result<Self> {
        let minter = Minter::of(exchange)?;
        let now = now_unix_seconds();
        let request = |user| {
            let id_token = minter.sign(&claims(exchange.client(), user, now))?;
            Ok(post(&body(exchange, &id_token)))
        };
        (first..first + users).map(request).collect::<Result<_>>().map(Self)
    }

    /// The request with this number, from the first again after the last.
    pub(crate) fn get(&self, number: usize) -> &[u8] {
        self.0.get(number % self.0.len().max(1)).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The JSON body of a delegation.
pub(crate) fn body(exchange: Exchange, id_token: &str) -> String {
    json!({
        "client_id": exchange.client(), "grant_type": JWT_BEARER, "id_token": id_token,
        "target": exchange.target(), "scope": "openid email", "api_type": exchange.api_type(),
    })
    .to_string()
}

fn post(body: &str) -> Vec<u8> {
    format!(
        "POST /delegation HTTP/1.1\r\nhost: {}\r\nuser-agent: locum-bench\r\naccept: application/json\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        tenant::DOMAIN,
        body.len()
    )
    .into_bytes()
}

pub(crate) fn now_unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}
