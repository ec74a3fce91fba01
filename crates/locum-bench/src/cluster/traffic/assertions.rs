//! Assertions of `private_key_jwt`, each sent to two nodes at the same moment, and once more later.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cluster::http::Reply;
use crate::cluster::tally::Kind;
use crate::cluster::traffic::Traffic;

const PAUSE: Duration = Duration::from_millis(40);
/// When an accepted assertion is sent again, before it expires.
const AGAIN_AFTER: Duration = Duration::from_secs(4);

pub(super) fn send(traffic: &Traffic) -> Result<()> {
    let mut nodes = traffic.clients();
    let mut accepted = VecDeque::new();
    while traffic.goes_on(PAUSE) {
        nodes.rotate_left(1);
        let [first, second, third] = &mut nodes;
        let user = traffic.user();
        let (request, address) = (traffic.tokens.assertion(&format!("jti-{user}"), user)?, traffic.address());
        let sent = Instant::now();
        for node in [&mut *first, &mut *second] {
            node.send("/oauth/token", &address, &request);
        }
        let replies = [first.receive(), second.receive()];
        let mut tally = traffic.tally();
        for reply in &replies {
            tally.count(Kind::Assertion, sent, reply);
        }
        let count = replies.iter().filter(|reply| is_success(reply)).count();
        if count > 1 {
            tally.accepted_twice += 1;
            tally.details.push("an assertion was accepted by two nodes at once".to_owned());
        }
        // Two refusals, where both nodes could ask the database, would be one too many.
        let refused = |reply: &Reply| matches!(reply, Reply::Answered(answer) if answer.status == 401);
        if replies.iter().all(refused) {
            tally.lost += 1;
            tally.details.push("a new assertion was refused by two nodes".to_owned());
        }
        drop(tally);
        if count == 1 {
            accepted.push_back((sent, request));
        }
        while let Some((_, request)) = accepted.pop_front_if(|(at, _)| at.elapsed() >= AGAIN_AFTER) {
            if is_success(&third.post("/oauth/token", &traffic.address(), &request)) {
                let mut tally = traffic.tally();
                tally.accepted_twice += 1;
                tally.details.push("an assertion was accepted again some seconds later".to_owned());
            }
        }
    }
    Ok(())
}

fn is_success(reply: &Reply) -> bool {
    matches!(reply, Reply::Answered(answer) if answer.status == 200)
}
