//! Changes by the Management API, through the proxy: a second after each that was answered, every node must follow it, and at the
//! end every node must show it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::Value;

use crate::cluster::http::{Client, Reply};
use crate::cluster::tally::{CHANGES_REACH_NODES, Kind};
use crate::cluster::traffic::Traffic;
use crate::cluster::traffic::switch::{Switch, Switched};

const PAUSE: Duration = Duration::from_millis(20);
/// What is changed in quick succession. Then nothing is for a second: a node that writes reads what others have written. Fewer
/// than the ten changes a second that one token may make.
const BURST: [Switched; 8] = {
    use Switched::{Client, User};
    [User, Client, User, Client, User, Client, User, Client]
};
/// The most entries of a page.
const PAGE: usize = 100;
/// How often a node is asked for a page at the end, where it refuses because of what went before.
const ATTEMPTS: usize = 50;

pub(super) fn send(traffic: &Traffic) -> Result<()> {
    // Tenants in files are not changed by it.
    let Some(token) = &traffic.management else { return Ok(()) };
    let mut proxy = Client::to(traffic.proxy);
    let mut nodes = traffic.clients();
    let new = |what| Switch { what, number: traffic.user(), is_on: None };
    let mut switches = BURST.map(new);
    while traffic.goes_on(PAUSE) {
        let mut changed = Vec::new();
        for switch in &mut switches {
            let (call, body) = switch.call();
            let sent = Instant::now();
            let reply = proxy.manage(token, &call, &body);
            traffic.tally().count(Kind::Change, sent, &reply);
            match reply {
                Reply::Answered(answer) if matches!(answer.status, 200 | 201) => {
                    switch.is_on = Some(switch.next());
                    changed.push(switch.clone());
                }
                Reply::Answered(answer) if answer.status < 500 => {}
                Reply::NotSent => {}
                // It may be turned over now or, by a node that stands still, later: another takes its place.
                Reply::Answered(_) | Reply::Ambiguous(_) => *switch = new(switch.what),
            }
        }
        std::thread::sleep(CHANGES_REACH_NODES);
        for switch in &changed {
            ask_each(traffic, &mut nodes, switch)?;
        }
    }
    for what in [Switched::User, Switched::Client] {
        read_back(traffic, &mut nodes, token, what, &switches)?;
    }
    Ok(())
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
    switches: &[Switch],
) -> Result<()> {
    for (index, node) in nodes.iter_mut().enumerate() {
        let stored = stored(node, token, what)?;
        let known = |switch: &&Switch| switch.what == what && switch.is_on.is_some();
        for switch in switches.iter().filter(known) {
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
