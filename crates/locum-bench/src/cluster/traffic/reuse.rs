//! Refresh tokens that are used again: at the same moment at another node, at once, and after the leeway.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cluster::faults::CLOCK_OFF_SECONDS;
use crate::cluster::http::{Client, Reply};
use crate::cluster::tenant::{LEEWAY_SECONDS, LENIENT, STRICT};
use crate::cluster::tokens::refresh;
use crate::cluster::traffic::Traffic;

const PAUSE: Duration = Duration::from_millis(100);
/// How long after its replacement a token is used again: its leeway is over by every clock.
const AFTER_LEEWAY: Duration = Duration::from_secs(LEEWAY_SECONDS + CLOCK_OFF_SECONDS as u64 + 2);

/// A token without leeway at two nodes at the same moment, and then at the third: one use may be answered.
pub(super) fn send_at_once(traffic: &Traffic) -> Result<()> {
    let mut nodes = traffic.clients();
    let mut proxy = Client::to(traffic.proxy);
    while traffic.goes_on(PAUSE) {
        let Some(token) = traffic.sign_in(&mut proxy, STRICT)? else { break };
        nodes.rotate_left(1);
        let [first, second, third] = &mut nodes;
        let (request, address) = (refresh(STRICT, &token), traffic.address());
        for node in [&mut *first, &mut *second] {
            node.send("/oauth/token", &address, &request);
        }
        let replies = [first.receive(), second.receive(), third.post("/oauth/token", &address, &request)];
        let answered = replies.iter().filter(|reply| is_success(reply)).count();
        if answered > 1 {
            let outcomes = replies.iter().map(is_success).collect::<Vec<_>>();
            let mut tally = traffic.tally();
            tally.double_spent += 1;
            tally.details.push(format!(
                "worked twice without leeway: at two nodes at once, then at a third: {outcomes:?}"
            ));
        }
    }
    Ok(())
}

/// A token that was replaced longer ago than its leeway.
pub(super) fn send_later(traffic: &Traffic) -> Result<()> {
    let mut proxy = Client::to(traffic.proxy);
    let mut replaced = VecDeque::new();
    while traffic.goes_on(PAUSE) {
        let Some(token) = traffic.sign_in(&mut proxy, LENIENT)? else { break };
        if is_success(&proxy.post("/oauth/token", &traffic.address(), &refresh(LENIENT, &token))) {
            replaced.push_back((Instant::now(), token));
        }
        while let Some((_, token)) = replaced.pop_front_if(|(at, _)| at.elapsed() >= AFTER_LEEWAY) {
            if is_success(&proxy.post("/oauth/token", &traffic.address(), &refresh(LENIENT, &token))) {
                let mut tally = traffic.tally();
                tally.double_spent += 1;
                tally.details.push("worked again after its leeway".to_owned());
            }
        }
    }
    Ok(())
}

fn is_success(reply: &Reply) -> bool {
    matches!(reply, Reply::Answered(answer) if answer.status == 200)
}
