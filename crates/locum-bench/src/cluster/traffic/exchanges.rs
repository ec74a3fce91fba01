//! Exchanges of id_tokens, through the proxy.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cluster::http::Client;
use crate::cluster::tally::Kind;
use crate::cluster::tenant::{KNOWN_USERS, LENIENT};
use crate::cluster::traffic::Traffic;

const PAUSE: Duration = Duration::from_millis(20);

/// Of users whom nodes have in memory, wherever the tenants are.
pub(super) fn send(traffic: &Traffic) -> Result<()> {
    send_of((0..KNOWN_USERS).cycle(), Kind::Exchange, traffic)
}

/// Of users whom no node has seen.
pub(super) fn send_of_new_users(traffic: &Traffic) -> Result<()> {
    send_of(std::iter::repeat_with(|| traffic.user()), Kind::ExchangeOfNewUser, traffic)
}

fn send_of(users: impl Iterator<Item = usize>, kind: Kind, traffic: &Traffic) -> Result<()> {
    let mut proxy = Client::to(traffic.proxy);
    for user in users {
        if !traffic.goes_on(PAUSE) {
            break;
        }
        let request = traffic.tokens.exchange(LENIENT, user)?;
        let sent = Instant::now();
        let reply = proxy.post("/delegation", &traffic.address(), &request);
        traffic.tally().count(kind, sent, &reply);
    }
    Ok(())
}
