//! Several nodes as one service: PostgreSQL, Redis, three nodes and a proxy, under load and under faults.
//!
//! ```text
//! traffic ── HAProxy ── three nodes ── PostgreSQL, Redis
//!    └── tally: what was answered, refused, ambiguous; what broke a promise
//! ```

mod dumps;
mod faults;
mod http;
mod nodes;
mod proxy;
mod ratios;
mod report;
mod tally;
mod tenant;
mod tokens;
mod traffic;

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::cluster::faults::Fault;
use crate::cluster::http::{Client, Reply};
use crate::cluster::nodes::Cluster;
use crate::cluster::tally::Tally;
use crate::cluster::tenant::LENIENT;
pub(crate) use crate::cluster::tenant::Place;
use crate::cluster::tokens::{JWT_BEARER, Tokens, refresh};
use crate::cluster::traffic::Traffic;
use crate::{docs, measure};

/// The page that has the tables.
const PAGE: &str = "scaling.md";

/// What is run: programs and files of this workspace.
pub(crate) struct Setup<'a> {
    pub(crate) locum: &'a Path,
    pub(crate) plugins: &'a Path,
    pub(crate) fixtures: &'a Path,
    pub(crate) tenants: Place,
}

impl Setup<'_> {
    fn start(&self) -> Result<(Cluster, Traffic)> {
        let cluster = Cluster::start(self.locum, self.plugins, self.fixtures, self.tenants)?;
        let tokens = Tokens::new(&self.fixtures.join("keys"))?;
        let traffic = Traffic::to(&cluster, tokens);
        Ok((cluster, traffic))
    }
}

/// How long faults last, and how long requests are counted after them.
struct Times {
    fault: Duration,
    after: Duration,
}

/// Starts the service, makes one round of requests, and says how to make one by hand.
pub(crate) fn show(setup: &Setup<'_>, once: bool, out: &mut impl Write) -> Result<()> {
    let (cluster, traffic) = setup.start()?;
    round(&cluster, &traffic.tokens, out)?;
    if once {
        return Ok(());
    }
    let (locum, tenant) = (setup.locum.display(), cluster.tenant.display());
    writeln!(
        out,
        "\nthe proxy listens on http://{}; configs, logs and the tenant are in {}; stop with Ctrl-C. Paste this into \
         another terminal:\n\ncurl -sS http://{}/delegation -H 'content-type: application/json' -d @- <<JSON\n\
         {{\"client_id\": \"spa\", \"grant_type\": \"{JWT_BEARER}\", \"target\": \"orders-api\", \"scope\": \"openid email\", \
         \"api_type\": \"app\",\n \"id_token\": \"$({locum} token mint --tenant {tenant} --client spa --user 'auth0|bob')\"}}\n\
         JSON\n",
        cluster.proxy.address,
        cluster.folder.path().display(),
        cluster.proxy.address,
    )?;
    // Then all of it is stopped, and its folder deleted.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(tokio::signal::ctrl_c())?)
}

/// An exchange by each node, and a refresh token that one node issues and each of the others replaces.
fn round(cluster: &Cluster, tokens: &Tokens, out: &mut impl Write) -> Result<()> {
    let mut nodes = cluster.addresses().map(Client::to);
    let answered = |reply: Reply| match reply {
        Reply::Answered(answer) if answer.status == 200 => Ok(answer),
        Reply::Answered(answer) => bail!("a node answered {}: {}", answer.status, answer.body),
        Reply::NotSent | Reply::Ambiguous(_) => bail!("a node did not answer"),
    };
    for (index, node) in nodes.iter_mut().enumerate() {
        answered(node.post("/delegation", "10.0.0.1", &tokens.exchange(LENIENT, 1)?))?;
        writeln!(out, "node {} exchanged an id_token", index + 1)?;
    }
    let [first, others @ ..] = &mut nodes;
    let issued = answered(first.post("/oauth/token", "10.0.0.1", &tokens.sign_in(LENIENT, 1)?))?;
    let mut token = issued.text("access_token").context("there is no refresh token")?.to_owned();
    writeln!(out, "node 1 issued a refresh token")?;
    for (index, node) in others.iter_mut().enumerate() {
        let answer = answered(node.post("/oauth/token", "10.0.0.1", &refresh(LENIENT, &token)))?;
        token = answer.text("refresh_token").context("there is no successor")?.to_owned();
        writeln!(out, "node {} replaced it", index + 2)?;
    }
    Ok(())
}

/// Loads the service while faults happen one after another, and writes tables into the page of this folder.
///
/// # Errors
/// A promise was broken.
pub(crate) fn run_faults(
    setup: &Setup<'_>,
    sample: bool,
    docs: Option<&Path>,
    out: &mut impl Write,
) -> Result<()> {
    let (faults, times) = if sample {
        (&Fault::SAMPLE[..], Times { fault: Duration::from_secs(2), after: Duration::from_secs(2) })
    } else {
        (&Fault::ALL[..], Times { fault: Duration::from_secs(6), after: Duration::from_secs(6) })
    };
    let (mut cluster, traffic) = setup.start()?;
    let mut runs = traffic.during(|| {
        std::thread::sleep(times.after);
        *traffic.tally() = Tally::since(Some(Instant::now()));
        let mut runs = Vec::new();
        for &fault in faults {
            writeln!(out, "{} …", fault.name())?;
            runs.push((fault, tally_during(fault, &times, &mut cluster, &traffic)?));
        }
        Ok(runs)
    })?;
    // What the threads tried last belongs to the last fault.
    if let Some((_, last)) = runs.last_mut() {
        last.add_promises(std::mem::take(&mut *traffic.tally()));
    }
    let (requests, promises) = (report::requests(&runs), report::promises(&runs));
    writeln!(out, "\n{requests}\n\n{promises}\n")?;
    for (fault, tally) in &runs {
        for detail in &tally.details {
            writeln!(out, "BROKEN: {}: {detail}", fault.name())?;
        }
    }
    let searched = dumps::search(&cluster, &traffic.tokens, &setup.fixtures.join("keys"))?;
    writeln!(out, "{searched}")?;
    if let Some(folder) = docs {
        docs::write_tables(
            &folder.join(PAGE),
            &[("requests", requests), ("promises", promises), ("searched", searched)],
        )?;
    }
    let broken: u64 = runs.iter().map(|(_, tally)| tally.broken()).sum();
    ensure!(broken == 0, "{broken} promises were broken");
    for (fault, tally) in &runs {
        let bursts = &tally.bursts;
        let over = if fault.loses_counts() { 0 } else { bursts.over };
        ensure!(over == 0, "{}: {over} users had more than ten counted requests answered", fault.name());
        let all = tally.counts.values().all(|count| count.answered > 0);
        ensure!(all, "{}: requests of some kind were never answered", fault.name());
    }
    Ok(())
}

/// Measures what requests cost with Redis and PostgreSQL, and writes the table into the page of this folder.
pub(crate) fn run_ratios(
    setup: &measure::Setup,
    fixtures: &Path,
    docs: Option<&Path>,
    out: &mut impl Write,
) -> Result<()> {
    let table = report::ratios(&ratios::measure(setup, fixtures)?);
    writeln!(out, "{table}")?;
    match docs {
        Some(folder) => docs::write_tables(&folder.join(PAGE), &[("ratios", table)]),
        None => Ok(()),
    }
}

fn tally_during(fault: Fault, times: &Times, cluster: &mut Cluster, traffic: &Traffic) -> Result<Tally> {
    if fault.parts_nodes() {
        traffic.tally().connected_since = None;
    }
    fault.begin(cluster)?;
    std::thread::sleep(times.fault);
    fault.end(cluster)?;
    {
        let (mut tally, now) = (traffic.tally(), Instant::now());
        tally.fault_ended = Some(now);
        tally.connected_since.get_or_insert(now);
    }
    std::thread::sleep(times.after);
    let mut tally = traffic.tally();
    let next = Tally::since(tally.connected_since);
    Ok(std::mem::replace(&mut *tally, next))
}
