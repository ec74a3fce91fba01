//! Changes by the Management API, through the proxy: a second after each that was answered, every node must follow it, and at the
//! end every node must show it.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::Value;

use crate::cluster::http::{Client, Reply};
use crate::cluster::tally::{CHANGES_REACH_NODES, Kind};
use crate::cluster::traffic::Traffic;
use crate::cluster::traffic::switch::{Switch, Switched};

/// Two threads make fewer than the ten changes a second that one token may.
const PAUSE: Duration = Duration::from_millis(250);
/// The most entries of a page.
const PAGE: usize = 100;
/// How often a node is asked for a page at the end, where it refuses because of what went before.
const ATTEMPTS: usize = 50;

pub(super) fn send_of_users(traffic: &Traffic) -> Result<()> {
    send(traffic, Switched::User)
}

pub(super) fn send_of_clients(traffic: &Traffic) -> Result<()> {
    send(traffic, Switched::Client)
}

fn send(traffic: &Traffic, what: Switched) -> Result<()> {
    // Tenants in files are not changed by it.
    let Some(token) = &traffic.management else { return Ok(()) };
    let mut proxy = Client::to(traffic.proxy);
    let mut nodes = traffic.clients();
    // Those whose last change was not long enough ago, and all others whose state is known.
    let (mut changed, mut settled) = (VecDeque::<(Instant, Switch)>::new(), VecDeque::<Switch>::new());
    while traffic.goes_on(PAUSE) {
        let new = || Switch { what, number: traffic.user(), is_on: None };
        let mut switch = settled.pop_front().unwrap_or_else(new);
        let (call, body) = switch.call();
        let sent = Instant::now();
        let reply = proxy.manage(token, &call, &body);
        traffic.tally().count(Kind::Change, sent, &reply);
        match reply {
            Reply::Answered(answer) if matches!(answer.status, 200 | 201) => {
                switch.is_on = Some(switch.next());
                changed.push_back((Instant::now(), switch));
            }
            Reply::Answered(answer) if answer.status < 500 => settled.push_back(switch),
            Reply::NotSent => settled.push_back(switch),
            // It may be turned over now or, by a node that stands still, later: it is not used any more.
            Reply::Answered(_) | Reply::Ambiguous(_) => {}
        }
        while let Some((_, switch)) = changed.pop_front_if(|(at, _)| at.elapsed() >= CHANGES_REACH_NODES) {
            ask_each(traffic, &mut nodes, &switch)?;
            settled.push_back(switch);
        }
    }
    settled.extend(changed.into_iter().map(|(_, switch)| switch));
    read_back(traffic, &mut nodes, token, what, &settled)
}

fn ask_each(traffic: &Traffic, nodes: &mut [Client], switch: &Switch) -> Result<()> {
    for (index, node) in nodes.iter_mut().enumerate() {
        let request = switch.exchange(&traffic.tokens)?;
        let asked = Instant::now();
        if let Reply::Answered(answer) = node.post("/delegation", &traffic.address(), &request)
            && let Some(follows) = switch.is_followed(&answer)
        {
            let detail = format!("node {}, {switch:?}: {} {}", index + 1, answer.status, answer.body);
            traffic.tally().count_follower(asked, follows, &detail);
        }
    }
    Ok(())
}

/// What was answered stays true.
fn read_back(
    traffic: &Traffic,
    nodes: &mut [Client],
    token: &str,
    what: Switched,
    switches: &VecDeque<Switch>,
) -> Result<()> {
    for (index, node) in nodes.iter_mut().enumerate() {
        let stored = stored(node, token, what)?;
        for switch in switches.iter().filter(|switch| switch.is_on.is_some()) {
            if stored.get(&switch.id()).copied() != switch.is_on {
                let mut tally = traffic.tally();
                tally.lost += 1;
                tally.details.push(format!("lost: node {} does not show {switch:?}", index + 1));
            }
        }
    }
    Ok(())
}

/// Which are on, by id, as a node shows them.
fn stored(node: &mut Client, token: &str, what: Switched) -> Result<BTreeMap<String, bool>> {
    let mut all = BTreeMap::new();
    for number in 0.. {
        let page = page(node, token, &format!("{}&per_page={PAGE}&page={number}", what.list()))?;
        all.extend(what.read(&page)?);
        if page.len() < PAGE {
            break;
        }
    }
    Ok(all)
}

fn page(node: &mut Client, token: &str, path: &str) -> Result<Vec<Value>> {
    for _ in 0..ATTEMPTS {
        if let Reply::Answered(answer) = node.manage(token, &format!("GET {path}"), &Value::Null)
            && let (200, Value::Array(entries)) = (answer.status, answer.body)
        {
            return Ok(entries);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    bail!("a node does not show {path}")
}
