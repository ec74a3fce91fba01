//! Bursts of requests of one user at one address, to all nodes in turn: ten are answered in all.

use std::time::Duration;

use anyhow::Result;

use crate::cluster::http::Reply;
use crate::cluster::tenant::{KNOWN_USERS, LENIENT};
use crate::cluster::traffic::Traffic;

const PAUSE: Duration = Duration::from_millis(150);
/// The size of a bucket, by default.
const ALLOWED: usize = 10;
const SENT: usize = 12;

pub(super) fn send(traffic: &Traffic) -> Result<()> {
    let mut nodes = traffic.clients();
    for user in (0..KNOWN_USERS).cycle() {
        if !traffic.goes_on(PAUSE) {
            break;
        }
        let (request, address) = (traffic.tokens.exchange(LENIENT, user)?, traffic.address());
        let (mut answered, mut limited, mut all_counted) = (0, 0, true);
        for _ in 0..SENT {
            nodes.rotate_left(1);
            let [node, ..] = &mut nodes;
            if let Reply::Answered(answer) = node.post("/delegation", &address, &request) {
                answered += usize::from(answer.status == 200);
                limited += usize::from(answer.status == 429);
                all_counted &= answer.is_counted();
            }
        }
        let mut tally = traffic.tally();
        let bursts = &mut tally.bursts;
        *(match (answered > ALLOWED, all_counted) {
            (true, true) => &mut bursts.over,
            (true, false) => &mut bursts.uncounted,
            (false, _) if answered == ALLOWED && limited == SENT - ALLOWED => &mut bursts.exact,
            (false, _) => &mut bursts.incomplete,
        }) += 1;
    }
    Ok(())
}
