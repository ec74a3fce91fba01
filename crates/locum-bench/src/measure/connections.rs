//! Capacity with few and many connections, of Locum and of the ideal.

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::exchange::Exchange;
use crate::load::{Arrivals, Load};
use crate::measure::{Report, Setup, turns};
use crate::process::{self, Service};
use crate::requests::Requests;
use crate::statistics::Spread;

const EXCHANGE: Exchange = Exchange::Hs256Hs256;
const COUNTS: [usize; 5] = [8, 32, 128, 512, 2048];
/// The two whose capacities are compared.
const FEW: usize = 32;
const MANY: usize = 512;

/// A service with so many connections, each of which sends as soon as it is answered.
#[derive(Debug, Serialize)]
pub(crate) struct ConnectionsRow {
    pub(crate) service: String,
    pub(crate) connections: usize,
    /// Answered with a credential per second.
    pub(crate) per_second: Spread,
    /// CPU time per request, in µs.
    pub(crate) cpu_us: Spread,
    pub(crate) p50_ms: Spread,
    pub(crate) p99_ms: Spread,
    /// Responses without a credential, of all rounds.
    pub(crate) refused: u64,
}

#[derive(Default)]
struct Figures {
    per_second: Vec<f64>,
    cpu_us: Vec<f64>,
    p50_ms: Vec<f64>,
    p99_ms: Vec<f64>,
    refused: u64,
}

pub(super) fn measure(setup: &Setup, report: &mut Report) -> Result<()> {
    let requests = Requests::of_users(EXCHANGE, 0, setup.users(EXCHANGE))?;
    let services = [
        ("ideal", setup.processors.start(&mut process::own("ideal")?)?),
        ("locum", setup.processors.start(&mut setup.locum("connections")?)?),
    ];
    for (name, service) in &services {
        let figures = figures(setup, service, &requests)?;
        if *name == "locum" {
            report.capacity_kept = Some(kept(&figures));
        }
        report.connections.extend(COUNTS.into_iter().zip(figures).map(|(connections, figures)| {
            ConnectionsRow {
                service: (*name).to_owned(),
                connections,
                per_second: Spread::of(figures.per_second),
                cpu_us: Spread::of(figures.cpu_us),
                p50_ms: Spread::of(figures.p50_ms),
                p99_ms: Spread::of(figures.p99_ms),
                refused: figures.refused,
            }
        }));
    }
    Ok(())
}

/// For each count of connections, in turns.
fn figures(setup: &Setup, service: &Service, requests: &Requests) -> Result<[Figures; COUNTS.len()]> {
    let threads = setup.processors.load_threads();
    let mut loads = Vec::new();
    for count in COUNTS {
        let mut load = Load::connect(service.address(), requests, count, threads)?;
        load.run_for(Arrivals::Closed, setup.warm_up())?;
        loads.push(load);
    }
    let mut all: [Figures; COUNTS.len()] = Default::default();
    for _ in 0..setup.rounds() {
        let round = turns::round(setup, loads.iter_mut().map(|load| (service, load)), || Ok(()))?;
        for (sample, figures) in round.iter().zip(&mut all) {
            let outcome = &sample.outcome;
            ensure!(outcome.responses() > 0, "nothing was answered");
            figures.per_second.push(outcome.rate());
            figures.cpu_us.push(sample.cpu_us());
            figures.p50_ms.push(outcome.latencies.quantile(0.5).as_secs_f64() * 1e3);
            figures.p99_ms.push(outcome.latencies.quantile(0.99).as_secs_f64() * 1e3);
            figures.refused += outcome.responses() - outcome.successes();
        }
    }
    Ok(all)
}

/// Of the capacity over few connections, how much there is over many: answered in a second of CPU time, because the rate
/// on a shared machine depends on what else runs.
fn kept(figures: &[Figures]) -> Spread {
    let of = |count| COUNTS.into_iter().zip(figures).find(|(connections, _)| *connections == count);
    let costs = of(FEW).zip(of(MANY)).map(|((_, few), (_, many))| (&few.cpu_us, &many.cpu_us));
    Spread::of(costs.into_iter().flat_map(|(few, many)| few.iter().zip(many).map(|(few, many)| few / many)))
}
