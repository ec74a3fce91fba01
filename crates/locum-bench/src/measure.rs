//! Everything that is measured, in the order in which the report shows it.

mod candidate;
mod connections;
mod cpu;
mod growth;
mod latency;
mod memory;
mod peers;
mod raw_signing;
mod setup;
mod turns;

pub(crate) use connections::ConnectionsRow;
pub(crate) use cpu::CpuRow;
pub(crate) use growth::{Growth, GrowthRow};
pub(crate) use latency::{LatencyRow, capacity};
pub(crate) use memory::Memory;
pub(crate) use setup::Setup;

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;

use crate::exchange::Exchange;
use crate::instructions::Count;
use crate::statistics::Spread;

/// A part of what is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Section {
    /// Instructions per request, by callgrind.
    Instructions,
    /// CPU time per request, beside the floor, the ideal and Node services.
    Cpu,
    /// Capacity with few and many connections.
    Connections,
    /// Latency below and above capacity.
    Latency,
    /// Memory of the idle server, of rate buckets and of clients, and how long a start takes.
    Memory,
    /// CPU time and memory with more tenants, clients and plugins.
    Growth,
}

/// What was measured. Parts that were not are absent.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: String,
    /// Whether it was measured with too few and too short samples for figures.
    pub(crate) quick: bool,
    pub(crate) instructions: Vec<Count>,
    pub(crate) cpu: Vec<CpuRow>,
    /// CPU time of one RSA-2048 signature alone, in µs.
    pub(crate) raw_signature_us: Option<Spread>,
    /// CPU time of one such signature by that of an exchange that makes it, of both in the same round.
    pub(crate) signing_share: Option<Spread>,
    pub(crate) connections: Vec<ConnectionsRow>,
    /// Answered in a second of CPU time over 512 connections by the same over 32, of both in the same round.
    pub(crate) capacity_kept: Option<Spread>,
    pub(crate) latency: Vec<LatencyRow>,
    pub(crate) memory: Option<Memory>,
    pub(crate) growth: Vec<GrowthRow>,
    /// Windows that were measured again, because the machine was disturbed.
    pub(crate) disturbances: Option<String>,
    /// What was left out, and why.
    pub(crate) not_run: Vec<String>,
}

/// Measures these parts.
pub(crate) fn run(setup: &Setup, sections: &[Section], exchanges: &[Exchange]) -> Result<Report> {
    let mut report = Report { machine: setup::machine(), quick: setup.quick, ..Report::default() };
    for section in sections {
        match section {
            Section::Instructions if setup.symbols.is_none() => {
                report.not_run.push("instructions: valgrind is needed".to_owned());
            }
            Section::Instructions => report.instructions = setup.count_instructions(exchanges)?,
            Section::Cpu => cpu::measure(setup, exchanges, &mut report)?,
            Section::Connections => connections::measure(setup, &mut report)?,
            Section::Latency => report.latency = latency::measure(setup)?,
            Section::Memory => report.memory = Some(memory::measure(setup)?),
            Section::Growth => report.growth = growth::measure(setup)?,
        }
    }
    report.disturbances = setup.disturbances.sentence();
    Ok(report)
}
