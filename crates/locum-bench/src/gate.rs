//! Whether what was measured is within the limits.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::exchange::Exchange;
use crate::measure::{LatencyRow, Memory, Report};

/// The limits, and a sentence for each.
const LIMITS: &str = include_str!("../limits.toml");

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    instructions: InstructionLimits,
    cpu_of_ideal: BTreeMap<Exchange, f64>,
    cpu_of_locum: BTreeMap<String, f64>,
    cpu: CpuLimits,
    connections: ConnectionLimits,
    latency: LatencyLimits,
    memory: MemoryLimits,
    pub(crate) soak: SoakLimits,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct InstructionLimits {
    tolerance: f64,
    budgets: BTreeMap<Exchange, f64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct CpuLimits {
    signing_share: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConnectionLimits {
    capacity_kept: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct LatencyLimits {
    overload_p99_ms: f64,
    overload_answered: f64,
    refused_below_capacity: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct MemoryLimits {
    idle_bytes: f64,
    bytes_per_bucket_key: f64,
    bytes_per_client: f64,
    start_seconds_without_add_ons: f64,
    start_seconds_with_add_ons: f64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SoakLimits {
    pub(crate) resident_growth: f64,
    pub(crate) p99_growth: f64,
}

/// Whether a figure is within its limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Verdict {
    pub(crate) what: String,
    pub(crate) measured: f64,
    pub(crate) limit: f64,
    /// The limit is the largest figure that is good; otherwise the smallest.
    pub(crate) at_most: bool,
    pub(crate) good: bool,
}

impl Verdict {
    pub(crate) fn at_most(what: impl Into<String>, measured: f64, limit: f64) -> Self {
        Self { what: what.into(), measured, limit, at_most: true, good: measured <= limit }
    }

    pub(crate) fn at_least(what: impl Into<String>, measured: f64, limit: f64) -> Self {
        Self { what: what.into(), measured, limit, at_most: false, good: measured >= limit }
    }
}

impl Limits {
    pub(crate) fn read() -> Result<Self> {
        toml::from_str(LIMITS).context("limits.toml is not what it should be")
    }

    /// A verdict on each figure that has a limit.
    pub(crate) fn check(&self, report: &Report) -> Vec<Verdict> {
        let mut verdicts = self.instructions(report);
        verdicts.extend(self.cpu(report));
        if let Some(kept) = report.capacity_kept {
            let what = "capacity over 512 connections by that over 32";
            verdicts.push(Verdict::at_least(what, kept.median, self.connections.capacity_kept));
        }
        verdicts.extend(report.latency.iter().flat_map(|row| self.latency(row)));
        verdicts.extend(report.memory.iter().flat_map(|memory| self.memory(memory)));
        verdicts
    }

    fn instructions(&self, report: &Report) -> Vec<Verdict> {
        let InstructionLimits { tolerance, budgets } = &self.instructions;
        let of_locum = report.instructions.iter().filter(|count| count.service == "locum");
        let verdict = |count: &crate::instructions::Count| {
            let budget = budgets.get(&count.exchange)?;
            let instructions = count.instructions as f64;
            let mut verdict =
                Verdict::at_most(format!("{}: instructions", count.exchange.title()), instructions, *budget);
            verdict.good = instructions <= budget * (1.0 + tolerance);
            Some(verdict)
        };
        of_locum.filter_map(verdict).collect()
    }

    fn cpu(&self, report: &Report) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        for row in &report.cpu {
            let title = row.exchange.title();
            if row.service == "locum"
                && let Some(limit) = self.cpu_of_ideal.get(&row.exchange)
            {
                let what = format!("{title}: CPU time by the ideal's");
                verdicts.push(Verdict::at_most(what, row.of_ideal.median, *limit));
            }
            if row.exchange == Exchange::Hs256Hs256
                && let Some(limit) = self.cpu_of_locum.get(&row.service)
            {
                let what = format!("{title}: CPU time of {} by Locum's", row.service);
                verdicts.push(Verdict::at_least(what, row.of_locum.median, *limit));
            }
        }
        if let Some(share) = report.signing_share {
            let what = "CPU time of an RSA signature by that of a request with one";
            verdicts.push(Verdict::at_least(what, share.median, self.cpu.signing_share));
        }
        verdicts
    }

    fn latency(&self, row: &LatencyRow) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        let title = row.exchange.title();
        if row.load < 1.0 && row.connections >= 2048 && !row.exchange.signs_rsa() {
            let what = format!("{title}: refused below capacity over {} connections", row.connections);
            verdicts.push(Verdict::at_most(what, row.refused as f64, self.latency.refused_below_capacity));
        }
        if row.load >= 1.5 && row.exchange.signs_rsa() {
            let what = format!("{title}: p99 at {} times the capacity, ms", row.load);
            verdicts.push(Verdict::at_most(what, row.p99_ms.median, self.latency.overload_p99_ms));
            let what = format!("{title}: answered at {} times the capacity, by it", row.load);
            verdicts.push(Verdict::at_least(what, row.answered.median, self.latency.overload_answered));
        }
        verdicts
    }

    fn memory(&self, memory: &Memory) -> Vec<Verdict> {
        let limits = &self.memory;
        let mut verdicts = vec![
            Verdict::at_most("memory of the idle server, bytes", memory.idle_bytes as f64, limits.idle_bytes),
            Verdict::at_most(
                "memory of a bucket key, bytes",
                memory.bytes_per_bucket_key,
                limits.bytes_per_bucket_key,
            ),
        ];
        for start in &memory.starts {
            let clients = start.tenants * start.clients_per_tenant;
            let of = format!("{clients} clients with {} add-ons", start.add_ons_per_client);
            let seconds = if start.add_ons_per_client == 0 {
                let what = format!("memory of each of {of}, bytes");
                verdicts.push(Verdict::at_most(what, start.bytes_per_client, limits.bytes_per_client));
                limits.start_seconds_without_add_ons
            } else {
                limits.start_seconds_with_add_ons
            };
            verdicts.push(Verdict::at_most(format!("start with {of}, s"), start.seconds, seconds));
        }
        verdicts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instructions::Count;
    use crate::measure::CpuRow;
    use crate::statistics::Spread;

    /// Those of the file, with figures that do not change when it does.
    fn limits() -> Limits {
        let mut limits = Limits::read().unwrap();
        limits.instructions.budgets.insert(Exchange::Hs256Hs256, 165_000.0);
        limits.cpu_of_ideal.insert(Exchange::Hs256Hs256, 1.4);
        limits.cpu_of_locum.insert("express".to_owned(), 6.5);
        limits.latency.overload_answered = 0.9;
        limits
    }

    fn count(service: &str, instructions: u64) -> Report {
        let exchange = Exchange::Hs256Hs256;
        let count = Count { service: service.to_owned(), exchange, instructions, without_kernels: 1 };
        Report { instructions: vec![count], ..Report::default() }
    }

    fn exactly(figure: f64) -> Spread {
        Spread { median: figure, low: figure, high: figure }
    }

    fn cpu(service: &str, of_ideal: f64, of_locum: f64) -> Report {
        let row = CpuRow {
            exchange: Exchange::Hs256Hs256,
            service: service.to_owned(),
            cpu_us: exactly(1.0),
            of_ideal: exactly(of_ideal),
            of_locum: exactly(of_locum),
            per_second: exactly(1.0),
        };
        Report { cpu: vec![row], ..Report::default() }
    }

    fn good(report: &Report) -> Vec<bool> {
        limits().check(report).iter().map(|verdict| verdict.good).collect()
    }

    #[test]
    fn every_exchange_has_a_budget_and_a_ratio() {
        let limits = Limits::read().unwrap();
        for exchange in Exchange::ALL {
            assert!(limits.instructions.budgets.contains_key(&exchange), "{exchange:?}");
            assert!(limits.cpu_of_ideal.contains_key(&exchange), "{exchange:?}");
        }
    }

    #[test]
    fn a_budget_may_be_exceeded_by_three_per_cent_and_no_more() {
        assert_eq!(good(&count("locum", 165_000)), [true]);
        assert_eq!(good(&count("locum", 169_950)), [true]);
        assert_eq!(good(&count("locum", 169_951)), [false]);
        assert!(good(&count("ideal", 900_000)).is_empty());
    }

    #[test]
    fn a_ratio_to_the_ideal_above_its_limit_fails() {
        assert_eq!(good(&cpu("locum", 1.4, 1.0)), [true]);
        assert_eq!(good(&cpu("locum", 1.41, 1.0)), [false]);
        assert!(good(&cpu("floor", 9.0, 0.5)).is_empty());
    }

    #[test]
    fn a_service_of_node_that_costs_too_little_more_fails() {
        assert_eq!(good(&cpu("express", 9.0, 6.5)), [true]);
        assert_eq!(good(&cpu("express", 9.0, 6.4)), [false]);
    }

    #[test]
    fn overload_is_checked_where_rsa_signs_and_refusals_over_many_connections() {
        let row = |exchange, connections, load, p99, answered, refused| LatencyRow {
            exchange,
            connections,
            load,
            arrivals_per_second: 1.0,
            p50_ms: exactly(1.0),
            p99_ms: exactly(p99),
            answered: exactly(answered),
            refused,
        };
        let report = |row| Report { latency: vec![row], ..Report::default() };
        let rsa = Exchange::Hs256Rs256;
        assert_eq!(good(&report(row(rsa, 256, 1.5, 25.0, 0.9, 9))), [true, true]);
        assert_eq!(good(&report(row(rsa, 256, 1.5, 25.1, 0.9, 9))), [false, true]);
        assert_eq!(good(&report(row(rsa, 256, 1.5, 25.0, 0.89, 9))), [true, false]);
        assert!(good(&report(row(Exchange::Hs256Hs256, 256, 1.5, 900.0, 0.5, 9))).is_empty());
        let hmac = Exchange::Hs256Hs256;
        assert_eq!(good(&report(row(hmac, 2048, 0.8, 900.0, 0.5, 0))), [true]);
        assert_eq!(good(&report(row(hmac, 2048, 0.8, 900.0, 0.5, 1))), [false]);
        assert!(good(&report(row(rsa, 2048, 0.8, 900.0, 0.5, 1))).is_empty());
    }

    #[test]
    fn nothing_measured_has_no_verdict() {
        assert!(limits().check(&Report::default()).is_empty());
    }
}
