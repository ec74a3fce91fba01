//! CPU time per request of Locum and of what it is compared with, in turns, so that all see the same machine.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::exchange::Exchange;
use crate::load::{Arrivals, Load};
use crate::measure::candidate::Candidate;
use crate::measure::turns::{self, Sample};
use crate::measure::{Report, Setup, peers, raw_signing};
use crate::process;
use crate::requests::Requests;
use crate::statistics::Spread;
use crate::tenant;

/// Enough to keep one processor busy, few enough that none waits for long.
pub(super) const CONNECTIONS: usize = 32;
/// The same where a request takes a signature of RSA, more of which Locum would refuse on a slow processor.
const CONNECTIONS_OF_RSA: usize = 8;

/// An exchange of one service.
#[derive(Debug, Serialize)]
pub(crate) struct CpuRow {
    pub(crate) exchange: Exchange,
    pub(crate) service: String,
    /// CPU time per request, in µs.
    pub(crate) cpu_us: Spread,
    /// By the CPU time of the ideal in the same round.
    pub(crate) of_ideal: Spread,
    /// Locum's CPU time by this service's in the same round is one by this.
    pub(crate) of_locum: Spread,
    /// Answered per second.
    pub(crate) per_second: Spread,
}

pub(super) fn measure(setup: &Setup, exchanges: &[Exchange], report: &mut Report) -> Result<()> {
    let mut candidates = vec![
        Candidate::start(setup, "floor", &mut process::own("floor")?)?,
        Candidate::start(setup, "ideal", &mut process::own("ideal")?)?,
        Candidate::start(setup, "locum", &mut setup.locum("cpu")?)?,
    ];
    candidates.extend(peers::start(setup, &mut report.not_run)?);
    for &exchange in exchanges {
        measure_exchange(setup, exchange, &candidates, report)
            .with_context(|| format!("{} was not measured", exchange.title()))?;
    }
    Ok(())
}

fn measure_exchange(
    setup: &Setup,
    exchange: Exchange,
    candidates: &[Candidate],
    report: &mut Report,
) -> Result<()> {
    let users = setup.users(exchange);
    let requests = Requests::of_users(exchange, 0, users)?;
    let forms = Requests::forms(exchange, users)?;
    let threads = setup.processors.load_threads();
    let mut loads = Vec::new();
    for candidate in candidates.iter().filter(|candidate| (candidate.serves)(exchange)) {
        let requests = if candidate.takes_forms { &forms } else { &requests };
        let mut load = Load::connect(candidate.service.address(), requests, connections(exchange), threads)?;
        setup.disturbances.undisturbed(|| {
            let outcome = load.run_for(Arrivals::Closed, candidate.warm_up)?;
            ensure!(outcome.all_succeeded(), "{} answered {:?}", candidate.name, outcome.statuses);
            Ok(())
        })?;
        loads.push((candidate, load));
    }
    let mut samples: BTreeMap<&str, Vec<Sample>> = BTreeMap::new();
    let mut signatures = Vec::new();
    let key = tenant::rsa_key()?;
    for _ in 0..setup.rounds() {
        let services = loads.iter_mut().map(|(candidate, load)| (&candidate.service, load));
        let mut signed = Vec::new();
        let round = turns::round(setup, services, || {
            if exchange.signs_rsa() {
                let sign = || raw_signing::signature_us(&key, setup.window() / (2 * turns::TURNS));
                let undisturbed = || setup.disturbances.undisturbed(sign);
                signed.push(setup.processors.on_the_services(undisturbed)?);
            }
            Ok(())
        })?;
        for ((candidate, _), sample) in loads.iter().zip(round) {
            let Sample { outcome, .. } = &sample;
            ensure!(outcome.all_succeeded(), "{} answered {:?}", candidate.name, outcome.statuses);
            samples.entry(&candidate.name).or_default().push(sample);
        }
        signatures.push(signed.iter().sum::<f64>() / f64::from(turns::TURNS));
    }
    let of = |name: &str| samples.get(name).map(Vec::as_slice).unwrap_or_default();
    let ratio =
        |a: &[Sample], b: &[Sample]| Spread::of(a.iter().zip(b).map(|(a, b)| a.cpu_us() / b.cpu_us()));
    for (candidate, _) in &loads {
        let own = of(&candidate.name);
        report.cpu.push(CpuRow {
            exchange,
            service: candidate.name.clone(),
            cpu_us: Spread::of(own.iter().map(Sample::cpu_us)),
            of_ideal: ratio(own, of("ideal")),
            of_locum: ratio(own, of("locum")),
            per_second: Spread::of(own.iter().map(|sample| sample.outcome.rate())),
        });
    }
    if exchange.signs_rsa() {
        let share = signatures.iter().zip(of("locum")).map(|(raw, sample)| raw / sample.cpu_us());
        report.signing_share = Some(Spread::of(share));
        report.raw_signature_us = Some(Spread::of(signatures));
    }
    Ok(())
}

/// How many connections show what one processor can answer.
pub(super) fn connections(exchange: Exchange) -> usize {
    if exchange.signs_rsa() { CONNECTIONS_OF_RSA } else { CONNECTIONS }
}
