//! Exchanges of id_tokens, through the proxy.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cluster::http::Client;
use crate::cluster::tally::Kind;
use crate::cluster::tenant::LENIENT;
use crate::cluster::traffic::Traffic;

const PAUSE: Duration = Duration::from_millis(20);

pub(super) fn send(traffic: &Traffic) -> Result<()> {
    let mut proxy = Client::to(traffic.proxy);
    while traffic.goes_on(PAUSE) {
        let request = traffic.tokens.exchange(LENIENT, traffic.user())?;
        let sent = Instant::now();
        let reply = proxy.post("/delegation", &traffic.address(), &request);
        traffic.tally().count(Kind::Exchange, sent, &reply);
    }
    Ok(())
}
