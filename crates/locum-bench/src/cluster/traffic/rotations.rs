//! Clients that keep their latest refresh token and use it, through the proxy.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cluster::http::{Client, Reply};
use crate::cluster::tally::Kind;
use crate::cluster::tenant::{LEEWAY_SECONDS, LENIENT, STRICT};
use crate::cluster::tokens::refresh;
use crate::cluster::traffic::Traffic;

const PAUSE: Duration = Duration::from_millis(20);
/// Families of one thread, which take turns.
const FAMILIES: usize = 16;

/// How late a node may process a request: after a pause.
const LATE: Duration = Duration::from_secs(20);

/// With leeway: whatever happens within it, the latest token must work.
pub(super) fn send_lenient(traffic: &Traffic) -> Result<()> {
    send(traffic, LENIENT, Duration::from_secs(LEEWAY_SECONDS))
}

/// Without leeway: a client that repeats a request that was processed ends its family.
pub(super) fn send_strict(traffic: &Traffic) -> Result<()> {
    send(traffic, STRICT, Duration::ZERO)
}

struct Family {
    token: String,
    /// When the outcome of a use of this token was first unknown, and whether a node had answered 503.
    uncertain: Option<(Instant, bool)>,
    /// When a request of this family last had no answer: a node that stood still may process it yet.
    unanswered: Option<Instant>,
}

fn send(traffic: &Traffic, client: &str, leeway: Duration) -> Result<()> {
    let mut proxy = Client::to(traffic.proxy);
    let mut families = Vec::new();
    for turn in 0.. {
        if !traffic.goes_on(PAUSE) {
            break;
        }
        if families.len() < FAMILIES {
            let Some(token) = traffic.sign_in(&mut proxy, client)? else { break };
            families.push(Family { token, uncertain: None, unanswered: None });
        }
        let index = turn % families.len().max(1);
        let Some(family) = families.get_mut(index) else { continue };
        if !use_token(traffic, &mut proxy, client, family, leeway) {
            families.swap_remove(index);
        }
    }
    // What was answered stays true.
    for family in &mut families {
        use_token(traffic, &mut proxy, client, family, leeway);
    }
    Ok(())
}

/// Uses the latest token. Returns whether its family goes on.
fn use_token(
    traffic: &Traffic,
    proxy: &mut Client,
    client: &str,
    family: &mut Family,
    leeway: Duration,
) -> bool {
    let sent = Instant::now();
    let reply = proxy.post("/oauth/token", &traffic.address(), &refresh(client, &family.token));
    let mut tally = traffic.tally();
    tally.count(Kind::Refresh, sent, &reply);
    match reply {
        Reply::Answered(answer) => match (answer.status, answer.text("refresh_token")) {
            (200, Some(next)) => {
                traffic.tokens.note(next);
                (family.token, family.uncertain) = (next.to_owned(), None);
                true
            }
            (400, _) => {
                let [died, unavailable] = &mut tally.ended_by_repetition;
                match (family.uncertain, family.unanswered) {
                    (Some((since, true)), _) if since.elapsed() >= leeway => *unavailable += 1,
                    (Some((since, false)), _) if since.elapsed() >= leeway => *died += 1,
                    (None, Some(since)) if leeway.is_zero() && since.elapsed() < LATE => *died += 1,
                    (uncertain, _) => {
                        tally.lost += 1;
                        let since = uncertain.map(|(since, _)| since.elapsed());
                        let body = answer.body;
                        tally
                            .details
                            .push(format!("lost, {client}, first uncertain use {since:?} ago: {body}"));
                    }
                }
                false
            }
            _ => {
                family.uncertain.get_or_insert((sent, true));
                true
            }
        },
        Reply::Ambiguous(_) => {
            // A dead connection outweighs an answer.
            let since = family.uncertain.map_or(sent, |(since, _)| since);
            family.uncertain = Some((since, false));
            family.unanswered = Some(sent);
            true
        }
        Reply::NotSent => true,
    }
}
