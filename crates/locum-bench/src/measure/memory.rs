//! Memory of the idle server, of rate buckets and of clients, and how long a start takes.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::exchange::Exchange;
use crate::load::Load;
use crate::measure::Setup;
use crate::process::{self, Service};
use crate::requests::Requests;
use crate::tenant::{self, Tenants};

/// After this time the server has given back what only its start needed.
const SETTLING: Duration = Duration::from_secs(2);

/// What memory is used, in bytes, and how long starts take.
#[derive(Debug, Serialize)]
pub(crate) struct Memory {
    /// Resident memory of a server with all plugins and one tenant before its first request.
    pub(crate) idle_bytes: u64,
    /// Users that each sent one request.
    pub(crate) bucket_keys: usize,
    /// What each of them adds to the resident memory.
    pub(crate) bytes_per_bucket_key: f64,
    pub(crate) starts: Vec<StartRow>,
}

/// A start with so many tenants.
#[derive(Debug, Serialize)]
pub(crate) struct StartRow {
    pub(crate) tenants: usize,
    pub(crate) clients_per_tenant: usize,
    pub(crate) add_ons_per_client: usize,
    /// Until it listens.
    pub(crate) seconds: f64,
    /// CPU time until it listens.
    pub(crate) cpu_seconds: f64,
    /// Resident memory soon after.
    pub(crate) resident_bytes: u64,
    /// What each client adds to that of a server with one client.
    pub(crate) bytes_per_client: f64,
}

pub(super) fn measure(setup: &Setup) -> Result<Memory> {
    let (keys, tenants, clients) = if setup.quick { (20_000, 20, 10) } else { (1_000_000, 1000, 100) };
    let one = start(setup, &Tenants { tenants: 1, clients: 1, add_ons: 0 })?;
    let idle_bytes = one.0.resident_bytes;
    let mut starts = Vec::new();
    for add_ons in [0, 2] {
        let (mut row, _) = start(setup, &Tenants { tenants, clients, add_ons })?;
        row.bytes_per_client = difference(row.resident_bytes, idle_bytes) / (tenants * clients) as f64;
        starts.push(row);
    }
    Ok(Memory {
        idle_bytes,
        bucket_keys: keys,
        bytes_per_bucket_key: bytes_per_bucket_key(setup, keys)?,
        starts,
    })
}

/// Starts Locum with so many tenants. The service is alive until it is dropped.
pub(super) fn start(setup: &Setup, tenants: &Tenants) -> Result<(StartRow, Service)> {
    let config = tenant::write_many(&setup.folder.join("tenants"), &setup.plugins, tenants)?;
    start_with(setup, tenants, &mut process::locum(&setup.locum, &config))
}

/// Starts it on all processors, as the start uses more than one.
pub(super) fn start_with(
    setup: &Setup,
    tenants: &Tenants,
    command: &mut std::process::Command,
) -> Result<(StartRow, Service)> {
    let (service, seconds, cpu_seconds) = setup.disturbances.undisturbed(|| {
        let begin = Instant::now();
        let service = setup.processors.start_on_all(command)?;
        let seconds = begin.elapsed().as_secs_f64();
        let cpu_seconds = service.cpu_time_since_start()?.as_secs_f64();
        Ok((service, seconds, cpu_seconds))
    })?;
    std::thread::sleep(SETTLING);
    let row = StartRow {
        tenants: tenants.tenants,
        clients_per_tenant: tenants.clients,
        add_ons_per_client: tenants.add_ons,
        seconds,
        cpu_seconds,
        resident_bytes: service.resident_bytes()?,
        bytes_per_client: 0.0,
    };
    Ok((row, service))
}

/// Sends one request of each of so many users.
fn bytes_per_bucket_key(setup: &Setup, keys: usize) -> Result<f64> {
    const BATCH: usize = 20_000;
    let exchange = Exchange::Hs256Hs256;
    let service = setup.processors.start(&mut setup.locum("buckets")?)?;
    // What the first requests allocate once is no bucket's.
    let send = |first: usize, count: usize| -> Result<()> {
        let requests = Requests::of_users(exchange, first, count)?;
        let threads = setup.processors.load_threads();
        let mut load = Load::connect(service.address(), &requests, super::cpu::CONNECTIONS, threads)?;
        let outcome = load.run_requests(count)?;
        ensure!(outcome.all_succeeded(), "not every request got a credential: {:?}", outcome.statuses);
        Ok(())
    };
    send(0, BATCH.min(keys))?;
    let before = service.resident_bytes()?;
    for first in (0..keys).step_by(BATCH) {
        send(BATCH + first, BATCH.min(keys - first))?;
    }
    // The audit log's buffers are written within this time.
    std::thread::sleep(Duration::from_secs(1));
    Ok(difference(service.resident_bytes()?, before) / keys as f64)
}

fn difference(more: u64, less: u64) -> f64 {
    more as f64 - less as f64
}
