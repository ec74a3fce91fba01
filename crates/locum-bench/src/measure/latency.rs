//! Latency below and above capacity, at given rates of arrival.

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::exchange::Exchange;
use crate::load::{Arrivals, Load, Outcome};
use crate::measure::Setup;
use crate::measure::turns::TURNS;
use crate::process::Service;
use crate::requests::Requests;
use crate::statistics::Spread;

/// One that signs by HMAC, and one by RSA, whose signing is queued.
const EXCHANGES: [Exchange; 2] = [Exchange::Hs256Hs256, Exchange::Hs256Rs256];
/// Arrivals by capacity.
const LOADS: [f64; 7] = [0.2, 0.4, 0.6, 0.8, 0.9, 1.2, 1.5];
const CONNECTIONS: usize = 256;
/// The largest number of connections over which nothing may be refused below capacity.
const MANY_CONNECTIONS: usize = 2048;
const MANY_CONNECTIONS_LOAD: f64 = 0.8;

/// What comes of arrivals at a rate.
#[derive(Debug, Serialize)]
pub(crate) struct LatencyRow {
    pub(crate) exchange: Exchange,
    pub(crate) connections: usize,
    /// Arrivals by capacity.
    pub(crate) load: f64,
    /// Arrivals per second.
    pub(crate) arrivals_per_second: f64,
    /// Of requests that got a credential, from when they were due.
    pub(crate) p50_ms: Spread,
    pub(crate) p99_ms: Spread,
    /// Credentials per second by capacity.
    pub(crate) answered: Spread,
    /// Responses without a credential, of all rounds.
    pub(crate) refused: u64,
}

pub(super) fn measure(setup: &Setup) -> Result<Vec<LatencyRow>> {
    let service = setup.processors.start(&mut setup.locum("latency")?)?;
    let mut rows = Vec::new();
    for exchange in EXCHANGES {
        let requests = Requests::of_users(exchange, 0, setup.users(exchange))?;
        let mut closed = closed_load(setup, &service, exchange, &requests)?;
        let mut load = connect(setup, &service, &requests, CONNECTIONS)?;
        for share in LOADS {
            rows.push(row(setup, exchange, (&mut load, CONNECTIONS), &mut closed, share)?);
        }
        drop(load);
        let mut load = connect(setup, &service, &requests, MANY_CONNECTIONS)?;
        let many = (&mut load, MANY_CONNECTIONS);
        rows.push(row(setup, exchange, many, &mut closed, MANY_CONNECTIONS_LOAD)?);
    }
    Ok(rows)
}

fn connect<'r>(
    setup: &Setup,
    service: &Service,
    requests: &'r Requests,
    connections: usize,
) -> Result<Load<'r>> {
    Load::connect(service.address(), requests, connections, setup.processors.load_threads())
}

/// What is answered per second if connections send as fast as they are answered.
pub(crate) fn capacity(
    setup: &Setup,
    service: &Service,
    exchange: Exchange,
    requests: &Requests,
) -> Result<f64> {
    let mut closed = closed_load(setup, service, exchange, requests)?;
    let rates = (0..setup.rounds()).map(|_| capacity_now(setup, &mut closed, setup.window()));
    Ok(Spread::of(rates.collect::<Result<Vec<_>>>()?).median)
}

/// Connections that send as fast as they are answered, after a time of doing so.
fn closed_load<'r>(
    setup: &Setup,
    service: &Service,
    exchange: Exchange,
    requests: &'r Requests,
) -> Result<Load<'r>> {
    let mut load = connect(setup, service, requests, super::cpu::connections(exchange))?;
    load.run_for(Arrivals::Closed, setup.warm_up())?;
    Ok(load)
}

fn capacity_now(setup: &Setup, closed: &mut Load<'_>, time: Duration) -> Result<f64> {
    setup.disturbances.undisturbed(|| Ok(closed.run_for(Arrivals::Closed, time)?.rate()))
}

/// The capacity is measured anew before each turn: a machine that is shared is not equally fast all the time.
fn row(
    setup: &Setup,
    exchange: Exchange,
    (load, connections): (&mut Load<'_>, usize),
    closed: &mut Load<'_>,
    share: f64,
) -> Result<LatencyRow> {
    let (mut p50, mut p99, mut answered, mut refused) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let mut capacities = Vec::new();
    // What is answered in an overload is held to a limit, so it takes more rounds.
    let rounds = if share > 1.0 { setup.rounds() } else { setup.rounds().div_ceil(2) };
    for _ in 0..rounds {
        let (mut outcome, mut could) = (Outcome::default(), 0.0);
        for _ in 0..TURNS {
            let capacity = capacity_now(setup, closed, setup.window() / TURNS)?;
            let arrivals = Arrivals::Open { per_second: capacity * share };
            // Twice as long as others: a queue that grows must have time to be seen.
            let run = || load.run_for(arrivals, setup.window() * 2 / TURNS);
            let turn = setup.disturbances.undisturbed(run)?;
            could += capacity * turn.elapsed.as_secs_f64();
            outcome.add_next(&turn);
            capacities.push(capacity);
        }
        p50.push(outcome.latencies.quantile(0.5).as_secs_f64() * 1e3);
        p99.push(outcome.latencies.quantile(0.99).as_secs_f64() * 1e3);
        answered.push(outcome.successes() as f64 / could);
        refused += outcome.responses() - outcome.successes();
    }
    Ok(LatencyRow {
        exchange,
        connections,
        load: share,
        arrivals_per_second: Spread::of(capacities).median * share,
        p50_ms: Spread::of(p50),
        p99_ms: Spread::of(p99),
        answered: Spread::of(answered),
        refused,
    })
}
